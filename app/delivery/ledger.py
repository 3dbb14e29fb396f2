"""What a receipt has to know and only a run that goes on knows: `runs/{id}/ledger.jsonl`, a line for each thing.

Each request when it is over, each file that arrived, each answer of the destination and what the run was told to do. So a run
that was killed, or held and cancelled, accounts for what left the computer before. The receipt takes the ledger's place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import msgspec

from app.core.receipts import HostTraffic, HostUse, ReadBack, ReceiptConfiguration, ReceiptFile
from app.delivery.files import RunFolder, read_lines


class Contacted(msgspec.Struct, tag_field="line", tag="contacted"):
    """A request to a host and what came back, in bytes."""

    host: str
    use: HostUse
    sent: int
    received: int


class Stored(msgspec.Struct, tag_field="line", tag="stored"):
    """A file arrived."""

    file: ReceiptFile


class Answered(msgspec.Struct, tag_field="line", tag="answered"):
    """The destination said what it holds."""

    answer: ReadBack


class Told(msgspec.Struct, tag_field="line", tag="told"):
    """What the run, or what is left of it, is told to do."""

    configuration: ReceiptConfiguration


Line = Contacted | Stored | Answered | Told


@dataclass(slots=True)
class Gathered:
    """The lines added up; of each segment the last answer counts. Not thread safe."""

    configuration: ReceiptConfiguration | None = None
    _hosts: dict[tuple[str, HostUse], tuple[int, int, int]] = field(default_factory=dict)
    _files: list[ReceiptFile] = field(default_factory=list)
    _answers: dict[str, ReadBack] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        """Take a line."""
        match line:
            case Contacted(host, use, sent, received):
                before = self._hosts.get((host, use), (0, 0, 0))
                self._hosts[host, use] = before[0] + 1, before[1] + sent, before[2] + received
            case Stored(file):
                self._files.append(file)
            case Answered(answer):
                self._answers[answer.segment] = answer
            case Told(configuration):
                self.configuration = configuration

    @property
    def hosts(self) -> tuple[HostTraffic, ...]:
        """What went to each host for each purpose."""
        return tuple(HostTraffic(host, use, *counted) for (host, use), counted in sorted(self._hosts.items()))

    @property
    def files(self) -> tuple[ReceiptFile, ...]:
        """The files in the order they arrived."""
        return tuple(self._files)

    @property
    def read_backs(self) -> tuple[ReadBack, ...]:
        """The answers in the order of their segments."""
        return tuple(self._answers.values())


def read_ledger(folder: RunFolder) -> Gathered:
    """What is known of the run so far; nothing when it has no ledger."""
    gathered = Gathered()
    lines: Iterator[Line] = read_lines(folder.ledger_path, cast("type[Line]", Line))
    for line in lines:
        gathered.add(line)
    return gathered
