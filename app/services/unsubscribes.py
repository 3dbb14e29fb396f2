"""Reading unsubscribes back: destinations that can be asked tell who opted out there, and the suppression list takes them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.core.connections import Connection
from app.core.errors import FixSettings, SendoffError, TellUs
from app.core.exports import Export, ExportKind
from app.core.names import fold
from app.core.roles import Action
from app.core.suppression import Change, ChangeKind, ContactKind, digest_of, entry_of
from app.destinations.contract import FileDestination, SegmentDestination, UnsubscribeReader
from app.destinations.description import Description
from app.jobs import Cancelled, JobContext
from app.services.roles import RoleService
from app.services.suppression import SuppressionService
from app.store import Store

_SETTING = "suppression.read_back"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What one connection told: how many values in all, and entries that are new on the list."""

    connection: str
    told: int
    new: int
    source_id: int | None


class UnsubscribeService:
    """Thread safe; what asks a destination blocks. Addresses are hashed as they come and kept nowhere."""

    def __init__(
        self,
        store: Store,
        roles: RoleService,
        suppression: Callable[[], SuppressionService],
        open_connection: Callable[[Connection], SegmentDestination | FileDestination],
        describe: Callable[[str], Description],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._roles = roles
        self._suppression = suppression
        self._open = open_connection
        self._describe = describe
        self._clock = clock

    def readable(self) -> list[Connection]:
        """The connections that exports use and that can be asked, by name."""
        used = {export.connection for export in self._segment_exports()}
        return [c for c in self._store.connections.all() if c.id in used and self._can_tell(c)]

    def after_runs(self) -> bool:
        """Whether unsubscribes are read back after each run to a destination that can be asked."""
        return self._store.workspace.setting(_SETTING) == "yes"

    def set_after_runs(self, *, on: bool) -> None:
        """Read them back after each run from now on, or not; raises NotAllowed."""
        self._roles.demand(Action.CHANGE_SUPPRESSION)
        if on is not self.after_runs():
            self._store.workspace.set_setting(_SETTING, "yes" if on else None)
            self._suppression().record_setting(on=on)

    def read_back(self, connection_name: str, ctx: JobContext) -> ReadBack:
        """Ask a connection's destination, for every place its exports go to.

        Raises FixSettings for a connection that can't be asked, NotAllowed, Cancelled, and what the destination raises.
        """
        self._roles.demand(Action.CHANGE_SUPPRESSION)
        wanted = fold(connection_name)
        connection = next((c for c in self.readable() if fold(c.name) == wanted), None)
        if connection is None:
            raise FixSettings(
                f"“{connection_name}” can't be asked for unsubscribes.",
                "There is no such connection, no export uses it, or its destination does not tell who opted out.",
                "Choose another connection.",
                code="not_readable",
            )
        exports = [export for export in self._segment_exports() if export.connection == connection.id]
        return self._read(connection, exports, ctx)

    def after_run(self, export: Export, connection: Connection, ctx: JobContext) -> ReadBack | None:
        """Read back where a run went, when that is switched on; what goes wrong is logged, as the run went well."""
        if export.kind is not ExportKind.SEGMENT or not self.after_runs() or not self._can_tell(connection):
            return None
        try:
            return self._read(connection, [export], ctx)
        except Cancelled:
            return None
        except SendoffError as error:
            logger.warning("The unsubscribes of %s were not read back: %s", connection.name, error)
            return None

    def _read(self, connection: Connection, exports: Sequence[Export], ctx: JobContext) -> ReadBack:
        opened = self._open(connection)
        if not isinstance(opened, UnsubscribeReader):
            raise TellUs(
                f"{connection.destination} can't be asked for unsubscribes.",
                "Its description says that it can.",
                "Tell us, with the log.",
                code="not_readable",
            )
        country, salt = self._store.workspace.info().country_code, self._store.suppression.salt()
        entries: set[bytes] = set()
        told = 0
        for target in {tuple(sorted(export.target.items())): export.target for export in exports}.values():
            for page in opened.unsubscribed(target, ctx):
                ctx.check()
                told += len(page)
                digests = (digest_of(address, ContactKind.EMAIL, country) for address in page)
                entries |= {entry_of(salt, digest) for digest in digests if digest is not None}
        name = f"Unsubscribed at {connection.name}"
        change = Change(self._clock(), self._roles.person(), ChangeKind.READ_BACK, name, ContactKind.EMAIL, 0)
        added = self._store.suppression.add_read_back(change, tuple(entries), connection.id)
        if added is None:
            return ReadBack(connection.name, told, 0, None)
        source_id, change = added
        self._suppression().was_read_back(source_id, change)
        return ReadBack(connection.name, told, change.entries, source_id)

    def _segment_exports(self) -> list[Export]:
        return [export for export in self._store.exports.all() if export.kind is ExportKind.SEGMENT]

    def _can_tell(self, connection: Connection) -> bool:
        try:
            return self._describe(connection.destination).reads_unsubscribes
        except SendoffError:  # its destination is not installed any more
            return False
