"""Who a member is to a target: matched fields, the key identifier, and consent, as SQL over one row of the members' table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from app.core.errors import FixData
from app.core.segment_questions import NUMBERS
from app.core.segments import FieldRef
from app.core.suppression import ContactKind
from app.core.tables import Column, ColumnType, Table
from app.core.value_mapping import YES
from app.data import identifiers_sql
from app.data.identifiers_sql import text, trimmed
from app.data.links import paths
from app.data.sql import SegmentSql, key_column
from app.data.sql_values import Value, column_value


@dataclass(frozen=True, slots=True)
class MatchedField:
    """One of our fields that fills a target's field, and the rule of core/identifiers.py that makes it fit.

    Values longer than `longest` characters have no usable form. `means` are values that stand for others (`Column.means`).
    `identifies` is the target field's (app/destinations/contract.py).
    """

    field: FieldRef
    normalise: str = "trim"
    longest: int | None = None
    means: tuple[tuple[str, str], ...] = ()
    identifies: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a member known to a target.

    `keys` are the matched key fields by target field, the preferred one first: a member's identifier is the first that is
    usable. Without keys (files) everybody is known by our own key; with `known_by` only who has a usable value in all fields
    of one of its groups. A refusal in the `consent` field counts for the identifier in every row, in the segment or not; an
    empty one only with `empty_refuses`. So does an entry of the suppression list for any of the `contacts`, the fields with an
    e-mail address or a phone number. `consent_means` are words of the consent field with yes or no.
    """

    keys: tuple[tuple[str, MatchedField], ...] = ()
    consent: FieldRef | None = None
    empty_refuses: bool = False
    country: str = "US"
    contacts: tuple[tuple[FieldRef, ContactKind], ...] = ()
    consent_means: tuple[tuple[str, str], ...] = ()
    known_by: tuple[tuple[MatchedField, ...], ...] = ()

    @property
    def fields(self) -> list[FieldRef]:
        """Our fields that tell who a member is, other than our key, and whether there is consent."""
        known = [matched.field for _, matched in self.keys] + [each.field for group in self.known_by for each in group]
        return known if self.consent is None else [*known, self.consent]


@dataclass(slots=True)
class RowValues:
    """Expressions over one row of `table` named `alias`.

    What stands in linked tables is joined once (`apply`), under names of `prefix` and a number.
    """

    sql: SegmentSql
    table: Table
    alias: str
    country: str
    prefix: str = "j"
    _joins: dict[FieldRef, tuple[str, str, exp.Select]] = field(default_factory=dict)

    def value(self, ref: FieldRef) -> Value:
        """The raw value of a field; FixData when the table or field is gone or not linked."""
        table, column = self._find(ref)
        if table.id == self.table.id:
            return column_value(column, self.alias)
        if ref in self.sql.at_hand:
            at_hand = exp.column(self.sql.at_hand[ref], table=self.alias)
            return Value(at_hand, column.type, column.native_type)
        if ref not in self._joins:
            ours, query = self.sql.linked_values(self.table, ref)
            self._joins[ref] = (f"{self.prefix}{len(self._joins)}", ours, query)
        name = self._joins[ref][0]
        return Value(exp.column("value", table=name), column.type, column.native_type)

    def raw_text(self, ref: FieldRef) -> exp.Expr:
        """The value as text, as a person would read it."""
        return as_text(self.value(ref))

    def normalised(self, matched: MatchedField) -> exp.Expr:
        """The value as the target wants it, NULL when it has no usable form."""
        raw = meant(self.raw_text(matched.field), matched.means)
        if matched.longest is None:
            return identifiers_sql.normalise(matched.normalise, raw, self.country)
        return identifiers_sql.fitting(matched.normalise, raw, matched.longest, self.country)

    def identifier(self, identity: Identity) -> exp.Expr:
        """The first usable key identifier, told apart by its field when there are several; NULL when there is none."""
        if not identity.keys:
            ours = exp.cast(key_column(self.table, self.alias), "text")
            return exp.Case().when(self._known(identity), ours, copy=False) if identity.known_by else ours
        if len(identity.keys) == 1:
            return self.normalised(identity.keys[0][1])
        named = [
            exp.DPipe(this=text(f"{target}:"), expression=self.normalised(matched), safe=True)
            for target, matched in identity.keys
        ]
        return exp.Coalesce(this=named[0], expressions=named[1:])

    def _known(self, identity: Identity) -> exp.Expr:
        """Whether all fields of some group are usable."""
        groups = [
            exp.and_(*(filled(self.normalised(each)) for each in group), copy=False) for group in identity.known_by
        ]
        return exp.or_(*groups, copy=False)

    def refused(self, identity: Identity) -> exp.Expr:
        """Whether this row refuses consent; never NULL."""
        if identity.consent is None:
            return exp.false()
        unknown = exp.false() if identity.empty_refuses else exp.true()
        value = self.value(identity.consent)
        if identity.consent_means:
            value = replace(value, expression=meant(value.expression, identity.consent_means))
        return exp.not_(exp.Coalesce(this=consent_given(value), expressions=[unknown]), copy=False)

    def suppressed(self, identity: Identity) -> exp.Expr:
        """Whether a contact of this row is on the suppression list; never NULL."""
        inside = []
        for ref, kind in identity.contacts:
            table, column = self._find(ref)
            listed = self.sql.listed(table, column, kind, self.country)
            if listed is not None:
                inside.append(on_list(self.raw_text(ref), listed))
        return exp.or_(*inside, copy=False) if inside else exp.false()

    def apply(self, query: exp.Select) -> exp.Select:
        """The query, which is changed, with the joins that the values asked for so far need."""
        for name, ours, linked in self._joins.values():
            same = exp.EQ(
                this=exp.cast(exp.column(ours, table=self.alias, quoted=True), "text"),
                expression=exp.cast(exp.column("linked", table=name), "text"),
            )
            query = query.join(linked.subquery(name), on=same, join_type="left", copy=False)
        return query

    def _find(self, ref: FieldRef) -> tuple[Table, Column]:
        table = self.sql.catalog.table(ref.table)
        column = None if table is None else table.column(ref.column)
        if table is None or column is None:
            raise FixData(
                f"The field {ref} is gone.", "Its table or column was removed.", "Match another field.", code="no_field"
            )
        if table.id != self.table.id and len(paths(self.sql.catalog, self.table.name, table.name)) != 1:
            raise FixData(
                f"The field {ref} can't be reached from {self.table.name}.",
                "The tables are not linked, or in several ways.",
                "Link the tables once, or match a field of another table.",
                code="no_link",
            )
        return table, column


def filled(value: exp.Expr) -> exp.Expr:
    """Whether there is a value; the expression itself becomes a part of the question."""
    return exp.not_(exp.Is(this=value, expression=exp.Null()), copy=False)


def on_list(value: exp.Expr, listed: exp.Select) -> exp.Expr:
    """Whether a text is one of those of a query; never NULL."""
    inside = exp.In(this=value, query=exp.Subquery(this=listed))
    return exp.Coalesce(this=inside, expressions=[exp.false()])


def meant(value: exp.Expr, means: Sequence[tuple[str, str]]) -> exp.Expr:
    """The text, or what a person said it means."""
    if not means:
        return value
    ifs = [exp.If(this=text(stands), true=text(for_it)) for stands, for_it in means]
    return exp.Case(this=exp.Lower(this=trimmed(value)), ifs=ifs, default=value.copy())


def as_text(value: Value) -> exp.Expr:
    """Any value as text: dates and times in ISO form, with Z when the column knows its time zone."""
    if value.type is ColumnType.TEXT:
        return value.expression.copy()
    if value.type is ColumnType.TIMESTAMP:
        written = exp.TimeToStr(this=value.expression.copy(), format=text("%Y-%m-%dT%H:%M:%S"))
        return exp.DPipe(this=written, expression=text("Z"), safe=True) if value.zoned else written
    if value.type is ColumnType.BINARY:
        return exp.ToBase64(this=value.expression.copy())
    return exp.cast(value.expression.copy(), "text")


def consent_given(value: Value) -> exp.Expr:
    """True, false, or NULL when the value is empty. A date of consent gives it; words not known to agree refuse it."""
    this = value.expression
    if value.type is ColumnType.BOOLEAN:
        return this.copy()
    if value.type in NUMBERS:
        return exp.NEQ(this=this.copy(), expression=exp.Literal.number(0))
    if value.type is not ColumnType.TEXT:
        return exp.Case().when(filled(this.copy()), exp.true(), copy=False)
    word = exp.Lower(this=trimmed(this))
    agreed = exp.In(this=word.copy(), expressions=[text(yes) for yes in YES])
    return exp.Case().when(exp.NEQ(this=word, expression=text("")), agreed, copy=False)
