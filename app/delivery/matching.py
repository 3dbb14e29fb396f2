"""How an export's match becomes what the data room works with: matched fields, and who a member is to the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.core.identifiers import HASHES
from app.core.segments import FieldRef, Segment
from app.core.suppression import ContactKind, contact_columns
from app.core.tables import Catalog, Meaning
from app.data.identity import Identity, MatchedField
from app.destinations.contract import TargetField


def matched_fields(
    match: Mapping[str, str], fields: Sequence[TargetField], catalog: Catalog
) -> dict[str, MatchedField]:
    """Our field for each matched target field, with the target's rule; a target that takes any column gets values as they are.

    Where a person said what values of a column mean, that is what the target gets. An identifier of which a column is not
    matched identifies nobody.
    """
    known = {field.id: field for field in fields}
    in_part = {field.identifies for field in fields if field.id not in match}
    refs = {target: FieldRef.parse(source) for target, source in match.items()}
    return {
        target: MatchedField(
            ref,
            known[target].normalise if target in known else "trim",
            known[target].max_length if target in known else None,
            _means(ref, catalog),
            known[target].identifies if target in known and known[target].identifies not in in_part else "",
        )
        for target, ref in refs.items()
    }


def _means(ref: FieldRef, catalog: Catalog) -> tuple[tuple[str, str], ...]:
    table = catalog.table(ref.table)
    column = None if table is None else table.column(ref.column)
    return () if column is None else column.means


def identity_of(
    matched: Mapping[str, MatchedField],
    key_fields: Sequence[str],
    segment: Segment,
    catalog: Catalog,
    country: str,
) -> Identity:
    """Who a member of the segment is to the target; consent stands in the first column of the members' table that means it.

    What is compared with the suppression list does not depend on the target's key: see `contacts_of`.
    """
    table = catalog.by_role(segment.of.role)
    names = dict.fromkeys(field.identifies for field in matched.values() if field.identifies)
    consent = table.first_meaning(Meaning.CONSENT) if table is not None else None
    return Identity(
        keys=tuple((key, matched[key]) for key in key_fields if key in matched),
        consent=FieldRef(table.name, consent.name) if table is not None and consent is not None else None,
        country=country,
        contacts=contacts_of(matched, segment, catalog),
        consent_means=() if consent is None else consent.means,
        known_by=tuple(tuple(field for field in matched.values() if field.identifies == name) for name in names),
    )


def contacts_of(
    matched: Mapping[str, MatchedField], segment: Segment, catalog: Catalog
) -> tuple[tuple[FieldRef, ContactKind], ...]:
    """Every e-mail address and phone number of a member: by the meaning of its table's columns, and as matched."""
    table = catalog.by_role(segment.of.role)
    own = [] if table is None else [(FieldRef(table.name, c.name), kind) for c, kind in contact_columns(table)]
    kinds = {kind.rule: kind for kind in ContactKind}
    rules = [(field.field, HASHES.get(field.normalise, field.normalise)) for field in matched.values()]
    sent = [(ref, kinds[rule]) for ref, rule in rules if rule in kinds]
    return tuple(dict.fromkeys([*own, *sent]))
