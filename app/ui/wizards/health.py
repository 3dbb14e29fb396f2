"""The health of a connection as a card shows it."""

from __future__ import annotations

from datetime import timedelta

from PySide6.QtCore import QObject

from app.core.connections import Health, HealthState
from app.ui.formats import Formats


def health_status(source: QObject, formats: Formats, health: Health) -> tuple[str, str, str]:
    """Icon, colour role and words; `source` translates."""
    if health.state is HealthState.HEALTHY:
        if health.tested_at is None:
            return "check-circle-fill", "success", source.tr("Healthy")
        when = formats.relative_time(health.tested_at)
        if formats.now() - health.tested_at < timedelta(days=2):
            when = when[:1].lower() + when[1:]  # "just now" and "yesterday"; weekdays and dates keep their capital
        return "check-circle-fill", "success", source.tr("Tested {when}").format(when=when)
    return {
        HealthState.NOT_TESTED: ("clock", "text2", source.tr("Not tested yet")),
        HealthState.FAILED: ("x-circle-fill", "danger", source.tr("Test failed")),
        HealthState.SIGN_IN_EXPIRED: ("x-circle-fill", "danger", source.tr("Sign-in expired")),
        HealthState.SECRET_MISSING: ("key-fill", "warning", source.tr("Secret missing")),
    }[health.state]
