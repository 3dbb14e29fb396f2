"""What a destination is, read from its `destination.toml`: the one source for form, validation, limits and wizard steps."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from app.core.counts import Limits
from app.core.exports import ExportKind, Layout, SyncMode
from app.core.file_formats import Format
from app.core.file_rules import FileRules
from app.core.forecasts import Calls, Forecast
from app.core.plans import Changes
from app.core.segments import SegmentOf
from app.destinations.budgets import MARGIN
from app.destinations.contract import TargetField


class FieldKind(StrEnum):
    """How a connection or export field is entered."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - a kind of field, not a secret
    CHOICE = "choice"
    NUMBER = "number"
    FOLDER = "folder"
    SECRET_FILE = "secret_file"  # noqa: S105 - a kind of field, not a secret
    PICKER = "picker"
    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class SettingField:
    """One field of a form.

    `pattern` is a regular expression the whole value must match, `pattern_message` the sentence shown when it does not
    (`{length}` is replaced by the number of characters typed). `when` shows the field only if another field has that
    value ({"sign_in": "password"}), or one of those between “|”. A PICKER's entries come from the destination's `choices`. A
    SIGN_IN is filled by signing in with the browser; its placeholder names whose page opens. `advanced` fields fold away.
    """

    id: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    hint: str = ""
    placeholder: str = ""
    default: str = ""
    choices: dict[str, str] | None = None
    pattern: str = ""
    pattern_message: str = ""
    when: dict[str, str] | None = None
    advanced: bool = False

    @property
    def secret(self) -> bool:
        """Whether the value belongs in the keyring only."""
        return self.kind in {FieldKind.SECRET, FieldKind.SECRET_FILE, FieldKind.SIGN_IN}


@dataclass(frozen=True, slots=True)
class Badge:
    """The monogram shown for the destination: two letters and a background colour (text colour follows contrast)."""

    letters: str
    colour: str
    text: str = "#FFFFFF"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the vendor lets us go, how long it may be silent, and the longest body it takes; None: no known limit.

    `counted_by` names what the vendor counts requests by, so that two connections of one account have one budget:
    connection or export fields, "host" (that of the address) or "account" (the vendor tells it). Nothing: each key by itself.
    """

    requests_per_second: float | None = None
    simultaneous: int = 1
    timeout_seconds: float = 60.0
    max_body_bytes: int | None = None
    counted_by: tuple[str, ...] = ()

    @property
    def deadline_seconds(self) -> float:
        """How long a request may take altogether, from its first byte to the last one of the answer, however steadily they come."""
        return 5 * self.timeout_seconds


class Grant(StrEnum):
    """Who gets the tokens: a person with their browser, or the app of the customer itself (client credentials)."""

    PERSON = "person"
    APP = "app"


class ClientAuth(StrEnum):
    """Where a vendor wants the app's own secret."""

    POST = "post"
    BASIC = "basic"


@dataclass(frozen=True, slots=True)
class SignIn:
    """How a vendor gives access by OAuth 2 (app/destinations/signin.py).

    `field_id` is the connection field of kind SIGN_IN that keeps what a person's sign-in gave. The addresses may name settings in
    braces, and settings called `authorize_url` and `token_url` take their place. `parameters` go into the page's address.
    `redirect_port` 0 takes any free one, for vendors that do not compare it. `lasts_days` is when the person has to sign in
    again where the vendor's answer does not tell. `lasting_grant` is asked for with the short-lived token of a code, in a
    parameter of the same name, where a vendor gives a lasting one for it.
    """

    token_url: str
    grant: Grant = Grant.PERSON
    field_id: str = "sign_in"
    authorize_url: str = ""
    scopes: tuple[str, ...] = ()
    pkce: bool = True
    client_auth: ClientAuth = ClientAuth.POST
    parameters: dict[str, str] = field(default_factory=dict)
    redirect_host: str = "127.0.0.1"
    redirect_port: int = 0
    redirect_path: str = "/"
    lasts_days: int | None = None
    lasting_grant: str = ""


class LimitName(StrEnum):
    """A limit that a connection may set by itself."""

    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    BATCH_SIZE = "batch_size"
    REQUESTS_PER_SECOND = "requests_per_second"


class Repeat(StrEnum):
    """What comes of sending a member twice: the same as once, or a second entry there."""

    HARMLESS = "harmless"
    DOUBLES = "doubles"


@dataclass(frozen=True, slots=True)
class AudienceType:
    """One of several kinds of audience a destination makes, with what it takes in place of the destination's own.

    `id` is the value of the export field that chooses it, `name` what people call it, without the destination's name. Files
    have no key fields: in them everybody is known by our own key.
    """

    id: str
    name: str
    takes: frozenset[SegmentOf]
    fields: tuple[TargetField, ...]
    key_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """Everything the program knows of a destination before it is imported.

    `any_field` is true for targets that take any column (files): then matching is free, and `fields` holds no more than the
    columns the other side knows by name. Their files obey `file_rules` and are written by `usual_format` and `usual_layout`
    unless people choose others; in `destination.toml` 0 rows per file stand for no limit.
    `connects_like` names a built-in destination whose connection fields this one has too, before its own; one of its own takes
    the place of that of the same id.
    `repeat` is what comes of sending a batch again whose answer was lost, `asks` tells that sessions are `AskingSession`s, so
    that it need not be sent again to those who are there.
    `key_fields` are the target fields that can identify a member; the first is the default. `free_fields` tells that the
    audience has further fields only the target knows, `reads_unsubscribes` that it can be asked who opted out there.
    `module` is imported when the destination is used.

    `calls` is what a run asks, which every target of segments declares and files have no use for.

    `limit_fields` names connection fields whose numbers take the place of `maximum`, `minimum` (members), `batch_size` and
    `requests_per_second`: see `for_connection`.

    With several `audience_types` the export field `audience_field` chooses one. `takes`, `fields` and `key_fields` are then
    those of all of them together, until `for_target` or `for_members` gives the description of one, which `audience` names.
    """

    id: str
    name: str
    category: str
    badge: Badge
    docs: str
    module: str
    kinds: frozenset[ExportKind]
    signs_in_with: str
    summary: str
    synonyms: tuple[str, ...] = ()
    audience_word: str = "audience"
    api_host: str = ""
    takes: frozenset[SegmentOf] = frozenset()
    limits: Limits = field(default_factory=Limits)
    sync_modes: tuple[SyncMode, ...] = ()
    batch_size: int = 500
    pace: Pace = field(default_factory=Pace)
    calls: Calls | None = None
    repeat: Repeat = Repeat.DOUBLES
    asks: bool = False
    sign_in: SignIn | None = None
    any_field: bool = False
    file_rules: FileRules = field(default_factory=FileRules)
    usual_format: Format = field(default_factory=Format)
    usual_layout: Layout = field(default_factory=Layout)
    connects_like: str = ""
    free_fields: bool = False
    reads_unsubscribes: bool = False
    key_fields: tuple[str, ...] = ()
    connection_fields: tuple[SettingField, ...] = ()
    export_fields: tuple[SettingField, ...] = ()
    fields: tuple[TargetField, ...] = ()
    notes: tuple[str, ...] = ()
    limit_fields: Mapping[LimitName, str] = field(default_factory=dict)
    audience_field: str = ""
    audience_types: tuple[AudienceType, ...] = ()
    audience: AudienceType | None = None

    @property
    def secret_fields(self) -> tuple[SettingField, ...]:
        """The connection fields that go to the keyring."""
        return tuple(f for f in self.connection_fields if f.secret)

    @property
    def columns(self) -> tuple[TargetField, ...]:
        """The target fields, and in files what the other side knows by name in another audience type."""
        if not self.any_field:
            return self.fields
        known = {each.id: each for audience in self.audience_types for each in audience.fields}
        return tuple((known | {each.id: each for each in self.fields}).values())

    @property
    def identifying(self) -> frozenset[str]:
        """The target fields that tell who a member is there: the key fields, and in files what a row needs one of."""
        return frozenset({*self.key_fields, *(each.id for each in self.columns if each.identifies)})

    @property
    def audience_id(self) -> str:
        """The id of the audience type this is narrowed to; empty without one."""
        return "" if self.audience is None else self.audience.id

    def forecast(self, segments: Sequence[Changes]) -> Forecast | None:
        """What a run takes that does these things to its segments, at the documented pace; None for files. Asks nobody."""
        if self.calls is None:
            return None
        number = self.calls.number(segments, self.batch_size)
        rate = self.pace.requests_per_second
        each = self.calls.seconds / self.pace.simultaneous if rate is None else (1 + MARGIN) / rate
        return Forecast(number, number * each)

    def for_connection(self, settings: Mapping[str, str]) -> Description:
        """As it is through a connection with these plain values: its own limits count where it sets some."""
        own = {name: number for name, id_ in self.limit_fields.items() if (number := _number(settings.get(id_, "")))}
        if not own:
            return self
        return replace(
            self,
            limits=replace(
                self.limits,
                maximum=own.get(LimitName.MAXIMUM, self.limits.maximum),
                minimum=own.get(LimitName.MINIMUM, self.limits.minimum),
            ),
            batch_size=own.get(LimitName.BATCH_SIZE, self.batch_size),
            pace=replace(
                self.pace,
                requests_per_second=own.get(LimitName.REQUESTS_PER_SECOND, self.pace.requests_per_second),
            ),
        )

    def for_target(self, target: Mapping[str, str]) -> Description:
        """As it is for an export with these fields of its own; an audience type there is none of leaves it as it is."""
        return self.audience_type(target.get(self.audience_field) or self._usual_audience())

    def for_members(self, of: SegmentOf) -> Description:
        """As it is for the first audience type that takes such members."""
        return self._narrowed(next((each for each in self.audience_types if of in each.takes), None))

    def audience_type(self, audience: str) -> Description:
        """As it is for the audience type of that id; one there is none of leaves it as it is."""
        return self._narrowed(next((each for each in self.audience_types if each.id == audience), None))

    def offered_for(self, members: frozenset[SegmentOf]) -> Description:
        """With only those audience types that take some of these members, also in the form of an export."""
        types = tuple(each for each in self.audience_types if each.takes & members)
        if not types or types == self.audience_types:
            return self
        known = {each.id for each in types}
        return replace(
            self,
            takes=frozenset().union(*(each.takes for each in types)),
            audience_types=types,
            export_fields=tuple(self._with_choices(each, known) for each in self.export_fields),
        )

    def _usual_audience(self) -> str:
        return next((each.default for each in self.export_fields if each.id == self.audience_field), "")

    def _narrowed(self, audience: AudienceType | None) -> Description:
        if audience is None:
            return self
        return replace(
            self, audience=audience, takes=audience.takes, key_fields=audience.key_fields, fields=audience.fields
        )

    def _with_choices(self, setting: SettingField, known: set[str]) -> SettingField:
        if setting.id != self.audience_field:
            return setting
        choices = {key: words for key, words in (setting.choices or {}).items() if key in known}
        default = setting.default if setting.default in choices else next(iter(choices))
        return replace(setting, choices=choices, default=default)


def _number(text: str) -> int:
    """A whole number that was typed; 0 for anything else, which sets no limit."""
    return int(text) if text.isascii() and text.isdecimal() else 0


def load(path: Path) -> Description:
    """Read and check one `destination.toml`; raises msgspec.ValidationError naming the wrong entry (a fault of the author)."""
    raw: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    found = msgspec.convert(raw, Description, strict=True)
    found = replace(found, usual_format=_without_zero(found.usual_format))
    if found.connects_like:
        like = load(Path(__file__).parent / found.connects_like.replace("-", "_") / path.name)
        own = {each.id: each for each in found.connection_fields}
        fields = {each.id: each for each in like.connection_fields} | own
        found = replace(found, connection_fields=tuple(fields.values()), sign_in=found.sign_in or like.sign_in)
    if not found.audience_types:
        return found
    return replace(
        found,
        takes=frozenset().union(*(each.takes for each in found.audience_types)),
        key_fields=tuple(dict.fromkeys(key for each in found.audience_types for key in each.key_fields)),
        fields=tuple({field.id: field for each in found.audience_types for field in each.fields}.values()),
    )


def _without_zero(usual: Format) -> Format:
    """TOML has no word for no limit."""
    return replace(usual, rows_per_file=usual.rows_per_file or None)
