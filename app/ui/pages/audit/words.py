"""The audit trail in words: what was done, which setting, what it was."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.core.audit import AuditEntry, Deed, Seat, Subject
from app.ui.formats import NOTHING, Formats


def tr(text: str) -> str:
    """Translate a sentence of this module."""
    return QCoreApplication.translate("Audit", text)


PAGES: dict[Subject, str] = {
    Subject.EXPORT: "exports",
    Subject.PLAN: "exports",
    Subject.RUN: "runs",
    Subject.CONNECTION: "connections",
    Subject.SEGMENT: "segments",
    Subject.TABLE: "tables",
    Subject.SUPPRESSION_LIST: "suppression",
    Subject.ENGINE: "settings",
    Subject.WORKSPACE: "settings",
}
"""The page on which a kind of thing is found."""

ICONS: dict[Deed, str] = {
    Deed.EXPORT_ADDED: "plus",
    Deed.EXPORT_REMOVED: "trash",
    Deed.EXPORT_PUT_BACK: "arrow-counter-clockwise",
    Deed.RUN_FINISHED: "check-circle",
    Deed.RUN_FAILED: "x-circle",
    Deed.RUN_SKIPPED: "prohibit-bold",
    Deed.RUN_HELD: "pause-circle",
    Deed.RUN_CANCELLED: "minus-circle",
    Deed.RUN_INTERRUPTED: "warning-circle",
    Deed.RUN_UNDONE: "arrow-counter-clockwise",
    Deed.REJECTS_SAVED: "download-simple",
    Deed.PLAN_SAVED: "download-simple",
    Deed.CONNECTION_ADDED: "link",
    Deed.CONNECTION_CHANGED: "link",
    Deed.CONNECTION_REMOVED: "link-break",
    Deed.CONNECTION_PUT_BACK: "arrow-counter-clockwise",
    Deed.SEGMENT_ADDED: "users-three",
    Deed.SEGMENT_CHANGED: "users-three",
    Deed.SEGMENT_REMOVED: "trash",
    Deed.SEGMENT_PUT_BACK: "arrow-counter-clockwise",
    Deed.TABLE_ADDED: "table",
    Deed.TABLE_CHANGED: "table",
    Deed.TABLE_REFRESHED: "arrows-clockwise",
    Deed.TABLE_REMOVED: "trash",
    Deed.TABLE_PUT_BACK: "arrow-counter-clockwise",
    Deed.SUPPRESSION_LIST: "upload-simple",
    Deed.ENGINE_CHANGED: "database",
    Deed.SETTING_CHANGED: "gear-six",
    Deed.ROLE_CHANGED: "users",
    Deed.ADMIN_UNLOCKED: "lock-simple",
    Deed.ADMIN_LOCKED: "lock-simple",
    Deed.WRONG_PASSPHRASE: "x-circle",
    Deed.PASSPHRASE_CHANGED: "key",
    Deed.VALUES_SHOWN: "eye",
    Deed.GUARD_PASSED: "shield-check",
    Deed.CONNECTION_PACKED: "upload-simple",
    Deed.CONNECTION_UNPACKED: "download-simple",
    Deed.PERSON_ERASED: "trash",
}


def icon_of(deed: Deed) -> str:
    """The icon of a deed; a change has the pencil."""
    return ICONS.get(deed, "pencil-simple")


def deed_words(deed: Deed) -> str:
    """What was done."""
    return {
        Deed.EXPORT_ADDED: tr("Export added"),
        Deed.EXPORT_CHANGED: tr("Export changed"),
        Deed.EXPORT_REMOVED: tr("Export removed"),
        Deed.EXPORT_PUT_BACK: tr("Export put back"),
        Deed.RUN_FINISHED: tr("Run finished"),
        Deed.RUN_FAILED: tr("Run failed"),
        Deed.RUN_SKIPPED: tr("Run skipped"),
        Deed.RUN_HELD: tr("Run held"),
        Deed.RUN_CANCELLED: tr("Run cancelled"),
        Deed.RUN_INTERRUPTED: tr("Run interrupted"),
        Deed.RUN_UNDONE: tr("Run undone"),
        Deed.REJECTS_SAVED: tr("Rejects saved"),
        Deed.PLAN_SAVED: tr("Plan saved"),
        Deed.CONNECTION_ADDED: tr("Connection added"),
        Deed.CONNECTION_CHANGED: tr("Connection changed"),
        Deed.CONNECTION_REMOVED: tr("Connection removed"),
        Deed.CONNECTION_PUT_BACK: tr("Connection put back"),
        Deed.SEGMENT_ADDED: tr("Segment added"),
        Deed.SEGMENT_CHANGED: tr("Segment changed"),
        Deed.SEGMENT_REMOVED: tr("Segment removed"),
        Deed.SEGMENT_PUT_BACK: tr("Segment put back"),
        Deed.TABLE_ADDED: tr("Table added"),
        Deed.TABLE_CHANGED: tr("Table changed"),
        Deed.TABLE_REFRESHED: tr("Table refreshed"),
        Deed.TABLE_REMOVED: tr("Table removed"),
        Deed.TABLE_PUT_BACK: tr("Table put back"),
        Deed.SUPPRESSION_LIST: tr("Suppression list"),
        Deed.ENGINE_CHANGED: tr("Engine changed"),
        Deed.SETTING_CHANGED: tr("Setting changed"),
        Deed.ROLE_CHANGED: tr("Role changed"),
        Deed.ADMIN_UNLOCKED: tr("Admin unlocked"),
        Deed.ADMIN_LOCKED: tr("Admin locked"),
        Deed.WRONG_PASSPHRASE: tr("Wrong passphrase"),
        Deed.PASSPHRASE_CHANGED: tr("Passphrase changed"),
        Deed.VALUES_SHOWN: tr("Personal values shown"),
        Deed.GUARD_PASSED: tr("Guard passed"),
        Deed.CONNECTION_PACKED: tr("Connection packed"),
        Deed.CONNECTION_UNPACKED: tr("Connection unpacked"),
        Deed.PERSON_ERASED: tr("Person erased"),
    }[deed]


def setting_words(name: str) -> str:
    """A setting by its dotted name: what people call it, else its own name made readable."""
    known = {
        "schedule": tr("Schedule"),
        "schedule.every": tr("Every"),
        "schedule.on": tr("On"),
        "schedule.at": tr("At"),
        "schedule.time_zone": tr("Time zone"),
        "guard": tr("Guard"),
        "format": tr("Format"),
        "layout": tr("Layout"),
        "match": tr("Matching"),
        "target": tr("Destination"),
        "sync": tr("Sync mode"),
        "setting": tr("Settings"),
        "secret": tr("Secret"),
        "access": tr("Who can use it"),
        "of": tr("Members"),
        "link": tr("Link"),
    }.get(name)
    if known is not None:
        return known
    group, _, last = name.partition(".")
    if not last:
        return _readable(group)
    if group in {"match", "secret"}:
        return tr("{group}: {name}").format(group=setting_words(group), name=last)
    return _readable(last)


def value_words(value: str) -> str:
    """A value of a setting."""
    return {"": NOTHING, "yes": tr("Yes"), "no": tr("No")}.get(value, value)


def note_words(entry: AuditEntry) -> str:
    """The entry in a few words: its note, or the settings that changed."""
    if entry.note:
        return entry.note
    if not (entry.before and entry.after):
        return ""
    changed = (name for name in entry.after if entry.before.get(name, "") != entry.after[name])
    groups = dict.fromkeys(name.partition(".")[0] for name in changed)
    words = [setting_words(group) for group in groups]
    return words[0] + "".join(f", {word[0].lower()}{word[1:]}" for word in words[1:]) if words else ""


def name_words(entry: AuditEntry) -> str:
    """On what it was done."""
    if entry.name and entry.subject is Subject.PLAN:
        return tr("{name}, plan").format(name=entry.name)
    return entry.name or {
        Subject.COMPUTER: tr("This computer"),
        Subject.SUPPRESSION_LIST: tr("One value"),
    }.get(entry.subject, NOTHING)


def who_words(entry: AuditEntry, formats: Formats) -> tuple[str, str]:
    """Who did it, and in which role; for a schedule who set it up."""
    if entry.by_schedule:
        return tr("Schedule"), tr("Set up by {person}").format(person=entry.person or NOTHING)
    return entry.person, formats.role(entry.role)


def where_words(entry: AuditEntry) -> str:
    """Where the person sat."""
    seat = tr("Window") if entry.seat is Seat.WINDOW else tr("Command line")
    return tr("{seat}, computer {computer}").format(seat=seat, computer=entry.computer)


def day_words(entry: AuditEntry, formats: Formats) -> str:
    """The day of an entry as its heading."""
    days = (formats.local(formats.now()).date() - formats.local(entry.at).date()).days
    date = formats.day_date(entry.at)
    if days == 0:
        return tr("Today, {date}").format(date=date)
    return tr("Yesterday") if days == 1 else date


def _readable(name: str) -> str:
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]
