"""Questions about linked rows as joins, for a server that is asked for the answer in every row.

As `column IN (query)` PostgreSQL works the query out for each row when its answer does not fit into memory (work_mem): 2
million customers with 4 million orders were not counted in nine minutes, and are in seconds as a join.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp


@dataclass(slots=True)
class SemiJoins:
    """Says which rows named `alias` have linked ones; `apply` adds the joins that this takes. Used for one query."""

    alias: str
    _joins: list[tuple[exp.Expr, exp.Subquery]] = field(default_factory=list)

    def __call__(self, alias: str, column: str, query: exp.Select) -> exp.Expr | None:
        """See `SemiJoin` (app/data/sql.py)."""
        if alias != self.alias:
            return None
        name = f"q{len(self._joins)}"
        own: exp.Expr = exp.column(column, table=alias, quoted=True)
        self._joins.append((exp.cast(own, "text") if is_text(query) else own, distinct_values(query).subquery(name)))
        return exp.not_(exp.Is(this=exp.column("value", table=name), expression=exp.Null()))

    def apply(self, query: exp.Select) -> exp.Select:
        """The query with the joins that were asked for so far."""
        for own, values in self._joins:
            same = exp.EQ(this=own, expression=exp.column("value", table=values.alias))
            query = query.join(values, on=same, join_type="left")
        return query


def distinct_values(query: exp.Select) -> exp.Select:
    """The values of a query of one column, each once, as the column `value`."""
    return query.select(exp.alias_(query.selects[0].unalias(), "value"), append=False).distinct()


def is_text(query: exp.Select) -> bool:
    """Whether its values are texts of what is of another type: two linked columns of different types are compared so."""
    return isinstance(query.selects[0], exp.Cast)
