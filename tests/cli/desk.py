"""Somebody at a command line: types commands and reads what they print."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
COUNTRIES = ("DE", "AT", "CH", "FR")

GERMANY = """
name: Germany
of: customers
rules:
  - all:
      - {field: Customer.Country, is: DE}
"""
PARTNER = """
name: Partner
kind: segment
connection: Drive
segments: [Germany]
match: {mail: Customer.Email, name: Customer.FirstName}
sync: replace
layout: {folder: "{export}", file: "{segment}_{part}", keep_earlier_runs: false}
consent: {agreed: true}
"""
LAKE = """
name: Lake
kind: data-out
connection: Drive
tables: [{name: Customer, fields: [CustomerId, Country]}]
format: {type: csv, rows_per_file: 40}
layout: {folder: "{export}/{table}", keep_earlier_runs: false}
consent: {agreed: true}
"""
NEWSLETTER = """
name: Newsletter
kind: segment
connection: Mail
segments: [Germany]
target: {audience_id: a1b2c3d4e5}
match: {email: Customer.Email, first_name: Customer.FirstName}
sync: update
consent: {agreed: true}
"""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class Desk:
    """Runs commands in this process (`do`) or as a program (`program`), all of them below `folder`."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.drive = folder / "drive"
        self.windows: list[str | None] = []
        self._capsys = capsys

    def do(self, *arguments: str | Path) -> Said:
        """Run one command and take what it printed."""
        self._capsys.readouterr()
        status = run([str(each) for each in arguments], self._open_window, lambda: "Qt for tests")
        printed = self._capsys.readouterr()
        assert "Traceback" not in printed.err or "--debug" in arguments
        return Said(int(status), printed.out, printed.err)

    def done(self, *arguments: str | Path) -> Said:
        """Run a command that must succeed."""
        said = self.do(*arguments)
        assert said.status == 0, said
        return said

    def told(self, *arguments: str | Path) -> Any:
        """The document of a command that must succeed."""
        return self.done(*arguments, "--json").document

    def program(self, *arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
        """Start the command as a program of its own."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, "-m", "app", *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        return subprocess.Popen(command, text=True, env=environment, cwd=self.folder, **(pipes | options))

    def file(self, name: str, text: str) -> Path:
        """A definition file."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path

    def make_shop(self, customers: int = 60) -> None:
        """A workspace with a table, a segment and a folder that can be delivered into."""
        self.done("workspace", "create", self.workspace, "--audience", "consumers", "--name", "Shop")
        with (self.folder / "Customer.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("CustomerId", "Email", "FirstName", "Country"))
            writer.writerows((f"C-{i:05}", f"p{i}@example.com", f"Zoë {i}", COUNTRIES[i % 4]) for i in range(customers))
        self.done("tables", "add", self.folder / "Customer.csv")
        self.done("tables", "set", "Customer", "--role", "customer", "--key", "CustomerId")
        self.done("tables", "meaning", "Customer", "Email", "email")
        self.done("segments", "save", self.file("germany.yaml", GERMANY))
        drive = ("--name", "Drive", "--destination", "local-folder", "--set", f"folder={self.drive}")
        self.done("connections", "add", *drive, "--share", "contributors", "--agree")

    def connect_mail(self, url: str, monkeypatch: pytest.MonkeyPatch, key: str, name: str = "Mail") -> Said:
        """A connection to Mailchimp whose key comes from a variable."""
        monkeypatch.setenv("KEY_FOR_TEST", key)
        at = (
            "--name",
            name,
            "--destination",
            "mailchimp",
            "--set",
            f"api_url={url}",
            "--secret",
            "api_key=env:KEY_FOR_TEST",
        )
        return self.do("connections", "add", *at, "--share", "contributors", "--agree")

    def _open_window(self, workspace: str | None) -> int:
        self.windows.append(workspace)
        return 0
