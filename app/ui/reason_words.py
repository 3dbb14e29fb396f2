"""Why members are in a plan, in words of this locale."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QCoreApplication

from app.core.reasons import Reason, Says
from app.ui.phrase_words import number, phrase_words


def tr(words: str) -> str:
    """Words in the person's language."""
    return QCoreApplication.translate("Reasons", words)


def reason_words(reason: Reason) -> str:
    """The reason as a sentence; empty when none is kept."""
    return reason.sentence(_sentences(), phrase_words(), number)


@lru_cache(maxsize=1)
def _sentences() -> dict[Says, str]:
    """All of them, put in the person's language once: a page shows hundreds, and the language stays while it runs."""
    return {
        Says.FIRST_TIME: tr("Joined: sent there for the first time"),
        Says.NOT_CONFIRMED: tr("Joined: an earlier sending was never confirmed"),
        Says.JOINED_OTHER_KEY: tr("Joined: known by another {what} now"),
        Says.NOT_THERE: tr("Joined: was sent, but is not there any more"),
        Says.PUT_BACK: tr("Joined: put back, because the run that removed it is undone"),
        Says.REJECTED_BEFORE: tr("Joined: was rejected before, tried again"),
        Says.INVALID_BEFORE: tr("Joined: could not be sent as it was before, tried again"),
        Says.STOPPED_BEFORE: tr("Joined: an earlier run ended before it was sent"),
        Says.NEW_ROW: tr("Joined: new in {what}"),
        Says.HAS_KEY: tr("Joined: has a usable {what} now"),
        Says.AGREES: tr("Joined: has marketing consent now"),
        Says.OFF_THE_LIST: tr("Joined: no longer on the suppression list"),
        Says.JOINED_RULE: tr("Joined: {what}"),
        Says.JOINED_OTHER_RULES: tr("Joined: by rules that were changed since the last run, {what}"),
        Says.JOINED_SEGMENT: tr("Joined: in “{what}”"),
        Says.JOINED_LIST: tr("Joined: on the list"),
        Says.JOINED_QUERY: tr("Joined: the query finds it"),
        Says.IN_SEGMENT: tr("Joined: in the segment"),
        Says.GONE: tr("Left: no longer in the tables"),
        Says.LEFT_OTHER_KEY: tr("Left: known by another {what} now"),
        Says.NO_KEY: tr("Left: no usable {what} any more"),
        Says.REFUSES: tr("Left: no marketing consent any more"),
        Says.SUPPRESSED: tr("Left: on the suppression list"),
        Says.ANOTHER_ROW: tr("Left: another row with the same {what} has no consent or is on the suppression list"),
        Says.NEVER_SENT: tr("Left: not in the segment, and never sent by Sendoff"),
        Says.TAKEN_OUT: tr("Left: taken out again, because the run that added it is undone"),
        Says.LEFT_RULE: tr("Left: {what}"),
        Says.LEFT_OTHER_RULES: tr("Left: does not meet the rules, which were changed since the last run"),
        Says.LEFT_SEGMENT: tr("Left: no longer in “{what}”"),
        Says.LEFT_LIST: tr("Left: no longer on the list"),
        Says.LEFT_QUERY: tr("Left: the query no longer finds it"),
        Says.NO_RULE: tr("Left: no rule of the segment holds any more"),
        Says.CHANGED_FIELDS: tr("Changed: {what}"),
        Says.VALUE_UNKNOWN: tr("Changed: the values there are not known"),
        Says.OTHER_VALUE: tr("Changed: a value is another one"),
        Says.OTHER_FIELDS: tr("Changed: other fields are matched"),
        Says.OTHER_FORMAT: tr("Changed: values are compared in another way"),
        Says.LEFT_OUT_NO_KEY: tr("Left out: no usable {what}"),
        Says.LEFT_OUT_TWICE: tr("Left out: twice in the segment"),
        Says.LEFT_OUT_NO_CONSENT: tr("Left out: no marketing consent"),
        Says.LEFT_OUT_SUPPRESSED: tr("Left out: on the suppression list"),
    }
