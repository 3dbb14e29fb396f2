"""What is written down of one run while it goes."""

from __future__ import annotations

from dataclasses import dataclass

from app.delivery.journal import Journal
from app.delivery.receipts import ReceiptBook
from app.delivery.run_log import RunLog
from app.delivery.run_state import RunState


@dataclass(frozen=True, slots=True)
class Records:
    """The run as it evolves, its log, the journal of its batches and the book its receipt is made from; each thread safe."""

    state: RunState
    run_log: RunLog
    journal: Journal
    book: ReceiptBook
