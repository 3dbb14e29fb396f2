"""Whose requests a vendor counts together: keys and sign-ins of one account have one budget (`Pace.counted_by`)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from app.core.connections import account_mark
from app.core.errors import SendoffError, SignInAgain, TryAgain
from app.core.tokens import Tokens
from app.destinations.budgets import Budget
from app.destinations.contract import Settings
from app.destinations.description import Pace

log = logging.getLogger(__name__)

HOST, ACCOUNT = "host", "account"


class Counted:
    """By what the requests of one client are counted. Used by one thread at a time.

    `account` is for what stands in no setting of the connection, such as the ad account of an export, or that is only a part
    of one.
    """

    def __init__(self, host: str, pace: Pace, settings: Settings, account: str = "") -> None:
        self._host = host
        self._pace = pace
        self._settings = settings
        self._own = account
        # A sign-in is another text after each renewal; the app's own secret stays and tells the account just as well.
        lasting = [text for text in settings.secrets.values() if Tokens.read(text) is None]
        self._key = tuple(lasting or settings.secrets.values())

    @property
    def unknown(self) -> bool:
        """Whether the vendor has to be asked which account it is, and whoever opened the connection wants to know."""
        return (
            self._settings.on_account is not None
            and ACCOUNT in self._pace.counted_by
            and not self._settings.account
            and self._settings.budgets.told_of(self._host, self._key) is None
        )

    def budget(self) -> Budget:
        """The budget of the account, of the key as long as the account is not known."""
        who = self._who()
        pace = self._pace
        return self._settings.budgets.of(self._host, who, pace.simultaneous, pace.requests_per_second)

    def learn(self, ask: Callable[[], str]) -> None:
        """Find out the account; who may not ask for it is counted by the key. What fails in passing is asked another time."""
        try:
            mark = account_mark(ask())
        except SendoffError as error:
            log.info("Which account it is was not told, so that the key is counted by itself: %s", error.what)
            if isinstance(error, TryAgain | SignInAgain):
                return
            mark = ""
        self._settings.budgets.tell(self._host, self._key, mark)
        if mark and self._settings.on_account is not None:
            self._settings.on_account(mark)

    def _who(self) -> tuple[str, ...]:
        if self._own:
            return (f"{ACCOUNT} {self._own}",)
        parts = [self._part(name) for name in self._pace.counted_by]
        return tuple(parts) if parts and all(parts) else self._key

    def _part(self, name: str) -> str:
        if name == HOST:
            return HOST
        if name == ACCOUNT:
            told = self._settings.account or self._settings.budgets.told_of(self._host, self._key)
            return f"{ACCOUNT} {told}" if told else ""
        value = self._settings.values.get(name, "").strip()
        return f"{name} {value}" if value else ""
