"""Every page by its name, imported when it is first shown: the window paints before any of them is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtWidgets import QWidget

from app.ui.context import WindowContext
from app.ui.preferences import Preferences


def make_page(name: str, context: WindowContext, preferences: Preferences) -> QWidget:
    """The page of that name; KeyError when there is none."""
    return _PAGES[name](context, preferences)


def _exports(context: WindowContext, preferences: Preferences) -> QWidget:
    from app.ui.pages.exports.page import ExportsPage

    return ExportsPage(context, preferences)


def _segments(context: WindowContext, _preferences: Preferences) -> QWidget:
    from app.ui.pages.segments import SegmentsPage

    return SegmentsPage(context)


def _tables(context: WindowContext, _preferences: Preferences) -> QWidget:
    from app.ui.pages.tables import TablesPage

    return TablesPage(context)


def _connections(context: WindowContext, _preferences: Preferences) -> QWidget:
    from app.ui.pages.connections import ConnectionsPage

    return ConnectionsPage(context)


def _runs(context: WindowContext, _preferences: Preferences) -> QWidget:
    from app.ui.pages.runs import RunsPage

    return RunsPage(context)


def _settings(context: WindowContext, preferences: Preferences) -> QWidget:
    from app.ui.pages.settings import SettingsPage

    return SettingsPage(context, preferences)


def _compare(context: WindowContext, _preferences: Preferences) -> QWidget:
    from app.ui.pages.compare import ComparePage

    return ComparePage(context)


def _receipt(context: WindowContext, _preferences: Preferences) -> QWidget:
    from app.ui.pages.receipt import ReceiptPage

    return ReceiptPage(context)


def _plan(context: WindowContext, _preferences: Preferences) -> QWidget:
    from app.ui.pages.plan import PlanPage

    return PlanPage(context)


def _undo_plan(context: WindowContext, _preferences: Preferences) -> QWidget:
    from app.ui.pages.plan import UndoPlanPage

    return UndoPlanPage(context)


def _suppression(context: WindowContext, _preferences: Preferences) -> QWidget:
    from app.ui.pages.suppression import SuppressionPage

    return SuppressionPage(context)


def _audit(context: WindowContext, _preferences: Preferences) -> QWidget:
    from app.ui.pages.audit import AuditPage

    return AuditPage(context)


_PAGES: Mapping[str, Callable[[WindowContext, Preferences], QWidget]] = {
    "exports": _exports,
    "segments": _segments,
    "tables": _tables,
    "connections": _connections,
    "runs": _runs,
    "settings": _settings,
    "compare": _compare,
    "receipt": _receipt,
    "plan": _plan,
    "undo-plan": _undo_plan,
    "suppression": _suppression,
    "audit": _audit,
}
