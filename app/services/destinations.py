"""The destinations this program knows."""

from __future__ import annotations

from collections.abc import Callable

from app.core.errors import FixSettings
from app.core.names import did_you_mean
from app.destinations.description import Badge, Description


def _registered() -> tuple[Description, ...]:
    from app.destinations import registry

    return registry.descriptions()


class DestinationService:
    """Descriptions of all destinations, built in and installed as plug-ins; thread safe."""

    def __init__(self, descriptions: Callable[[], tuple[Description, ...]] = _registered) -> None:
        self._descriptions = descriptions

    def all(self) -> tuple[Description, ...]:
        """All of them, by name."""
        return self._descriptions()

    def get(self, id: str) -> Description:  # noqa: A002 - the word of the field
        """The description of that id; raises FixSettings with code "unknown_destination"."""
        found = self._find(id)
        if found is None:
            raise FixSettings(
                f"The destination “{id}” is not known here.",
                "It is neither built in nor installed as a plug-in on this computer.",
                did_you_mean(
                    id, (each.id for each in self.all()), "Install its plug-in, or choose another destination."
                ),
                code="unknown_destination",
            )
        return found

    def shown(self, id: str) -> Description:  # noqa: A002 - the word of the field
        """The description of that id, or one that only names it: lists still show what a missing plug-in made."""
        return self._find(id) or Description(
            id=id,
            name=id,
            category="",
            badge=Badge("??", "#586174"),
            docs="",
            module="",
            kinds=frozenset(),
            signs_in_with="",
            summary="This destination is not installed on this computer.",
        )

    def _find(self, id: str) -> Description | None:  # noqa: A002 - the word of the field
        return next((each for each in self._descriptions() if each.id == id), None)
