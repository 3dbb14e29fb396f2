"""What the dialog of a connection reads before and while it is open; every function is called in a job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.connections import Connection
from app.core.errors import FixData
from app.core.names import fold
from app.core.roles import Action
from app.destinations.description import Description
from app.jobs import JobContext

if TYPE_CHECKING:
    from app.bootstrap import Services

LARGEST_SECRET_FILE = 64 * 1024


@dataclass(frozen=True)
class Opening:
    """What the dialog is about; `names` are those of the other connections, folded, `proposed` what to call it."""

    description: Description
    connection: Connection | None
    names: frozenset[str]
    proposed: str


def read_opening(
    services: Services, destination_id: str | None, connection_name: str | None, _ctx: JobContext
) -> Opening:
    """Read what the dialog is about; raises NotAllowed and what the services raise for names nobody knows."""
    services.roles.demand(Action.CHANGE_CONNECTIONS)
    connection = services.connections.get(connection_name).connection if connection_name is not None else None
    description = services.destinations.get(connection.destination if connection is not None else destination_id or "")
    names = frozenset(
        fold(r.connection.name) for r in services.connections.all() if r.connection.name != connection_name
    )
    proposed, number = description.name, 2
    while fold(proposed) in names:
        proposed, number = f"{description.name} {number}", number + 1
    return Opening(description, connection, names, connection.name if connection is not None else proposed)


def read_secret_file(path: Path, _ctx: JobContext) -> str:
    """Read the text of a key file; raises FixData when it is none, OSError when it can't be read."""
    with path.open("rb") as file:
        data = file.read(LARGEST_SECRET_FILE + 1)
    try:
        if len(data) > LARGEST_SECRET_FILE:
            raise ValueError
        return data.decode()
    except ValueError:
        raise FixData(
            f"{path.name} is not a key file.",
            "Key files are short texts.",
            "Choose the private key itself, in OpenSSH or PEM form.",
            code="not_a_key_file",
        ) from None
