"""The Mailchimp emulator as a process of its own, quick and forgetful: no checks against the description, no record of requests.

Prints its address; when its standard input is closed, prints how many requests came, and ends. An argument is the seconds
each request takes.
"""

from __future__ import annotations

import sys

from tests.vendors.emulator import Request
from tests.vendors.mailchimp import MailchimpEmulator


class _Counted(list[Request]):
    """A record that only counts: the bodies of a million members would fill the memory."""

    number = 0

    def append(self, item: Request) -> None:
        self.number += 1


def main() -> None:
    with MailchimpEmulator() as mailchimp:
        mailchimp._description = None
        mailchimp.requests = requests = _Counted()
        if len(sys.argv) > 1:
            mailchimp.fail("latency", seconds=float(sys.argv[1]))
        print(mailchimp.url, flush=True)
        sys.stdin.read()
        print(requests.number, flush=True)


if __name__ == "__main__":
    main()
