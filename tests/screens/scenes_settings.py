"""Settings and its page of the audit trail."""

from __future__ import annotations

from datetime import timedelta

from app.core.audit import Deed, Subject
from app.jobs import JobContext
from tests.screens.registry import scene
from tests.screens.stage import NOW, Stage

SCHEDULE = {"every": "day", "at": "05:35", "time_zone": "Europe/Berlin"}


def fill_audit_trail(stage: Stage) -> None:
    """Some days of work in the sample."""
    services, clock, ctx = stage.services, stage.clock, JobContext()
    clock.moment = NOW - timedelta(days=1, hours=2)
    services.segments.rename("VIP early access", "VIP very early access")
    clock.moment += timedelta(minutes=31)
    services.suppression.import_text("a@example.net\nb@example.net", ctx, name="optouts-march.csv")
    clock.moment += timedelta(minutes=40)
    services.segments.members("Newsletter weekly", 12, ctx)
    clock.moment = NOW - timedelta(hours=3)
    services.audit.record(Deed.WRONG_PASSPHRASE, Subject.COMPUTER, note="1 of 3 tries")
    services.audit.record(Deed.ADMIN_UNLOCKED, Subject.COMPUTER, note="For 15 minutes")
    clock.moment = NOW
    document = services.exports.document("Loyalty mailing")
    services.exports.apply(document | {"schedule": SCHEDULE | {"every": "week", "on": ["mon", "thu"]}})
    stage.session.changed("everything")


@scene("22-audit-trail", fresh=True)
def audit_trail(stage: Stage) -> None:
    fill_audit_trail(stage)
    stage.show("audit")
