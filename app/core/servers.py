"""The server where a workspace's tables may live: its address, how safely it is talked to, and what a test of it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit

from app.core.errors import FixSettings

PORT = 5432
SECONDS = 600
"""How long a question may take unless told otherwise."""


class ServerKind(StrEnum):
    """What answers there; the value is how its address begins."""

    POSTGRES = "postgresql"
    SPARK = "spark"
    """A cluster that is asked through Spark Connect."""

    @property
    def label(self) -> str:
        """What people call it."""
        return {ServerKind.POSTGRES: "PostgreSQL", ServerKind.SPARK: "Spark"}[self]

    @property
    def port(self) -> int:
        """Where it listens unless told otherwise."""
        return {ServerKind.POSTGRES: PORT, ServerKind.SPARK: 15_002}[self]

    @property
    def secret(self) -> str:
        """The one secret it may ask for."""
        return {ServerKind.POSTGRES: "password", ServerKind.SPARK: "token"}[self]


SCHEMES = {"postgres": ServerKind.POSTGRES, "postgresql": ServerKind.POSTGRES, "spark": ServerKind.SPARK}
SPARK_CATALOG = "spark_catalog"
"""The catalog every Spark has."""


class Tls(StrEnum):
    """How the way to the server is protected."""

    VERIFY = "verify"
    """Encrypted, and the server proves by its certificate that it is the one named."""
    REQUIRE = "require"
    """Encrypted; whoever answers is believed."""
    OFF = "off"
    """Not encrypted."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the server is and as whom Sendoff reads there; the password or token is in the keyring.

    `database` is Spark's catalog; `user` may be empty there. `certificate` is a file with the authorities that are
    believed, empty for those of this computer. A question that takes longer than `seconds` is given up.
    """

    host: str
    database: str
    user: str
    port: int = PORT
    tls: Tls = Tls.VERIFY
    certificate: str = ""
    seconds: int = SECONDS
    kind: ServerKind = ServerKind.POSTGRES

    def __post_init__(self) -> None:
        for what, value in (("host", self.host), ("database", self.database), ("user", self.user)):
            needed = what != "user" or self.kind is not ServerKind.SPARK
            if (needed and not value.strip()) or any(ord(letter) < 32 for letter in value):
                raise FixSettings(
                    "The address of the server is not complete.",
                    f"Its {what} is missing.",
                    f"Name the {what}.",
                    code="server_address",
                )
        if not 1 <= self.port <= 65_535 or self.seconds < 1:
            raise FixSettings(
                "The address of the server can't be used.",
                "The port must be from 1 to 65535, and the time limit at least one second.",
                "Correct it.",
                code="server_address",
            )
        if self.kind is ServerKind.SPARK and self.tls is Tls.REQUIRE:
            raise FixSettings(
                "Spark can't be reached so.",
                "Its encryption always proves who the server is.",
                "Have the certificate verified, or switch encryption off if the network is safe.",
                code="server_address",
            )

    def __str__(self) -> str:
        return f"{self.kind}://{self.host}:{self.port}/{self.database}"


@dataclass(frozen=True, slots=True)
class ServerAccess:
    """Where the server is, and the password or token when there is one."""

    address: ServerAddress
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """What `postgresql://user@host:port/database/schema/table` or `spark://host:port/catalog/schema/table` names.

    Schema and table are None when left out.
    """

    address: ServerAddress
    schema: str | None = None
    table: str | None = None

    @classmethod
    def parse(cls, text: str, known: ServerAddress | None = None) -> ServerUrl:
        """Read it; `?sslmode=disable|require|verify-full&sslrootcert=FILE` says how the way is protected, as in libpq.

        What is left out is taken from the `known` address of the same host and database. Raises FixSettings when it holds a
        password, or is none.
        """
        parts = urlsplit(text)
        if parts.password is not None:
            raise FixSettings(
                "The address holds a secret.",
                "Others could see it in the process list and in the shell's history.",
                "Leave it out and give it with --secret password=SOURCE, or token=SOURCE for Spark.",
                code="secret_in_address",
            )
        kind = SCHEMES.get(parts.scheme)
        if kind is None:
            raise _unreadable()
        try:
            port = parts.port or kind.port
            asked = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
            tls = _MODES[asked.pop("sslmode")] if "sslmode" in asked else None
        except (ValueError, KeyError):
            raise _unreadable() from None
        certificate = asked.pop("sslrootcert", None)
        names = [unquote(name) for name in parts.path.strip("/").split("/") if name]
        if not names and kind is ServerKind.SPARK:
            names = [SPARK_CATALOG]
        if not parts.hostname or not 1 <= len(names) <= 3 or asked:
            raise _unreadable()
        user = None if parts.username is None else unquote(parts.username)
        named = (kind, parts.hostname, port, names[0])
        same = known is not None and (known.kind, known.host, known.port, known.database) == named
        base = known if known is not None and same else None
        address = ServerAddress(
            parts.hostname,
            names[0],
            user or (base.user if base else ""),
            port,
            tls or (base.tls if base else Tls.VERIFY),
            certificate if certificate is not None else base.certificate if base else "",
            base.seconds if base else SECONDS,
            kind,
        )
        schema, table = (*names[1:], None, None)[:2]
        return cls(address, schema, table)


def is_server_url(text: str) -> bool:
    """Whether the text is meant as the address of a server rather than as a path."""
    return text.partition("://")[0] in SCHEMES and "://" in text


def _unreadable() -> FixSettings:
    return FixSettings(
        "The address of the server can't be read.",
        "It is written postgresql://user@host:port/database/schema/table?sslmode=verify-full, or "
        "spark://host:port/catalog/schema/table.",
        "Write it so; port, schema, table and sslmode (disable, require or verify-full) may be left out.",
        code="server_address",
    )


_MODES = {"disable": Tls.OFF, "require": Tls.REQUIRE, "verify-full": Tls.VERIFY}


@dataclass(frozen=True, slots=True)
class ServerTest:
    """What a test of the server found: its version, time to answer, tables that may be read, and what the role may do.

    `writes` tells that the role could change data there, which Sendoff never needs.
    """

    version: str
    milliseconds: int
    tables: int
    encrypted: bool
    writes: bool
