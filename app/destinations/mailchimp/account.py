"""Who signs in to Mailchimp and where its account lies: an API key names its data centre, of a sign-in Mailchimp is asked for it."""

from __future__ import annotations

import base64
import threading

from app.core.errors import FixSettings, TellUs
from app.destinations.answers import Answer
from app.destinations.calls import Call
from app.destinations.contract import Settings
from app.destinations.description import Description
from app.destinations.http import HttpClient
from app.destinations.mailchimp.answers import Account, Client, Metadata
from app.destinations.opening import filled, needed_secret
from app.destinations.signin import SignedIn, signed_in
from app.jobs import JobContext

_CENTRE = "{dc}"


class MailchimpAccount:
    """Opens clients of one account; thread safe. Raises SignInAgain without a key or sign-in."""

    def __init__(self, description: Description, settings: Settings) -> None:
        self._description = description.for_connection(settings.values)
        self._settings = settings
        self._values = filled(settings, self._description)
        self._lock = threading.Lock()
        self._centre = ""
        self._access: SignedIn | None = None
        self._proof = ""
        if self._values["sign_in_by"] == "browser":
            self._access = signed_in(settings, self._description)
            return
        key = needed_secret(settings, "api_key", "API key of Mailchimp")
        self._proof = base64.b64encode(f"sendoff:{key}".encode()).decode()
        if _CENTRE in self._values["api_url"]:
            self._centre = _centre_of(key)

    def client(self, ctx: JobContext | None = None) -> HttpClient:
        """A client; without a context nobody is asked for the data centre, which is all right for what is only looked at."""
        url = self._values["api_url"]
        if _CENTRE in url and ctx is not None:
            with self._lock:
                self._centre = self._centre or self._asked(ctx)
        return Client(
            self._description.name,
            url.replace(_CENTRE, self._centre or "dc"),
            self._settings,
            pace=self._description.pace,
            sign_in=lambda: {"Authorization": f"Basic {self._proof}"},
            access=self._access,
            slow_down=_asks_to_slow_down,
            also_secret=(self._proof,) if self._proof else (),
            whose=_account_id,
        )

    def _asked(self, ctx: JobContext) -> str:
        base, _slash, last = self._values["metadata_url"].rstrip("/").rpartition("/")
        with HttpClient(
            self._description.name, base, self._settings, pace=self._description.pace, access=self._access
        ) as client:
            centre = client.read(Call("GET", last), Metadata, ctx).dc
        if not centre.isascii() or not centre.isalnum():
            raise TellUs(
                "Mailchimp did not tell where the account lies.",
                "Its answer names no data centre.",
                "Enter the address of the API under Advanced in the connection.",
                code="no_data_centre",
            )
        return centre


def _account_id(client: HttpClient, ctx: JobContext) -> str:
    return client.read(Call("GET", "", {"fields": "account_id"}), Account, ctx).account_id


def _asks_to_slow_down(answer: Answer) -> bool:
    """429, or a 403 that is not Mailchimp's JSON: both come when there is too much traffic."""
    return answer.status == 429 or (answer.status == 403 and not answer.is_json)


def _centre_of(key: str) -> str:
    """The data centre an API key ends with; raises FixSettings when it names none."""
    _start, dash, centre = key.rpartition("-")
    if not dash or not centre.isascii() or not centre.isalnum():
        raise FixSettings(
            "The API key of Mailchimp is not complete.",
            "It does not end with “-” and a data centre such as us21, so its server is not known.",
            "Copy the whole key from Mailchimp.",
            code="no_data_centre",
        )
    return centre
