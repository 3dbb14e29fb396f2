"""The page of segments: rules, a fixed list, a query, and what is unfinished or wrong."""

from __future__ import annotations

from typing import Any

from app.core.segments import Segment, SegmentOf
from tests.screens.registry import scene
from tests.screens.stage import Stage

LAST_YEAR = {"field": "Orders.PlacedOn", "last": "12 months"}
QUERY = """SELECT CustomerId
FROM Orders
WHERE Channel = 'app' AND Status = 'completed'
GROUP BY CustomerId
HAVING sum(Total) > 400"""
LOYALTY: dict[str, Any] = {
    "name": "Loyalty Gold and Platinum",
    "of": "customers",
    "rules": [
        {
            "all": [
                {"field": "Customer.LoyaltyTier", "is_one_of": ["Gold", "Platinum"]},
                {"field": "Customer.CreatedOn", "before": "2026-01-01"},
                {
                    "any": [
                        {"field": "Orders.Total", "sum": True, "at_least": 250, "within": LAST_YEAR},
                        {"field": "Orders.OrderId", "count": True, "at_least": 3, "within": LAST_YEAR},
                    ]
                },
            ]
        },
        {"intersect": {"segment": "All contactable"}},
        {
            "except": {
                "any": [
                    {"field": "Customer.EmailOptIn", "is": False},
                    {"field": "Customer.Country", "is_not_one_of": ["DE", "AT", "NL"]},
                ]
            }
        },
    ],
}


def loyalty(stage: Stage) -> Any:
    """The page with the segment of the picture."""
    stage.services.segments.save(LOYALTY)
    return stage.show("segments", LOYALTY["name"])


@scene("11-segments-rule-builder", fresh=True)
def rules(stage: Stage) -> None:
    loyalty(stage)


@scene("11b-segments-unfinished", fresh=True)
def unfinished(stage: Stage) -> None:
    page = loyalty(stage)
    card = page.builder.slots[0].card
    card._links.condition.click()
    row = page.builder.slots[0].card.group.rows()[1]
    row.part.inputs[0].setText("yesterday")
    row.part._on_edited("")
    row.part._on_left()
    stage.settle()


@scene("11c-segments-fixed-list", fresh=True)
def fixed_list(stage: Stage) -> None:
    stage.show("segments", "Store visitors spring")


@scene("11d-segments-query", fresh=True)
def query(stage: Stage) -> None:
    page = stage.show("segments")
    page.begin(Segment("", "", SegmentOf.CUSTOMERS, sql=""))
    page.builder.whole.field.setPlainText(QUERY)
    stage.settle()
