"""`sendoff connections`: signed-in accounts at destinations."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.output import Exit
from app.cli.secret_sources import HELP, read_secrets, read_settings
from app.cli.session import Session, session_of
from app.core.connections import Access, ChangedHostKey, TestResult, UnknownHostKey
from app.core.errors import FixSettings, NotAllowed, SendoffError

if TYPE_CHECKING:
    from app.services.connections import ConnectionRow

commands = typer.Typer(help="Connections to destinations; made by an admin.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="CONNECTION")]
SetOption = Annotated[list[str], typer.Option("--set", metavar="NAME=VALUE", help="A setting of the destination.")]
TrustOption = Annotated[bool, typer.Option("--trust-host-key", help="Trust the server's key without asking.")]
NoBrowserOption = Annotated[
    bool, typer.Option("--no-browser", help="Only print the address of the sign-in page, don't open it.")
]
SecretOption = Annotated[list[str], typer.Option("--secret", metavar="NAME=SOURCE", help=HELP)]


def _document(row: ConnectionRow) -> dict[str, Any]:
    connection = row.connection
    return {
        "name": connection.name,
        "destination": connection.destination,
        "settings": dict(connection.settings),
        "secrets": sorted(connection.secrets),
        "access": connection.access,
        "health": row.health,
        "used_by": row.used_by,
        "sign_in_ends": connection.sign_in_ends,
        "created_at": connection.created_at,
        "created_by": connection.created_by,
    }


def _tested(result: TestResult) -> dict[str, Any]:
    return {
        "ok": True,
        "reached": result.reached,
        "milliseconds": result.milliseconds,
        "rights": list(result.rights),
        "error": None,
    }


def _test_draft(
    session: Session, destination: str, settings: dict[str, str], secrets: dict[str, str], *, trust: bool
) -> TestResult:
    """Test before saving; an unknown server is shown and, when the person says so, its key is trusted."""
    with session.output.progress() as progress:
        try:
            return session.services.connections.test_draft(destination, settings, secrets, None, progress.context())
        except UnknownHostKey as unknown:
            _demand_trust(session, unknown, trust=trust)
            settings["host_key"] = unknown.key
            return session.services.connections.test_draft(destination, settings, secrets, None, progress.context())


def _demand_trust(session: Session, unknown: UnknownHostKey, *, trust: bool) -> None:
    """Show the key of a server nobody knows yet; raise it again unless a person says that it is the right one."""
    session.output.say(f"{unknown.host} shows the {unknown.key_type} key {unknown.fingerprint}.")
    question = "Is this the server's key, and do you trust it?"
    if trust or (sys.stdin.isatty() and typer.confirm(question, default=False, err=True)):
        return
    unknown.fix += " Then repeat the command with --trust-host-key."
    raise unknown


@commands.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="The name people see.")],
    destination: Annotated[str, typer.Option(metavar="ID", help="See 'sendoff destinations list'.")],
    settings: SetOption = [],
    secrets: SecretOption = [],
    share: Annotated[Access, typer.Option(help="Who may use it.")] = Access.ADMINS,
    agree: Annotated[bool, typer.Option("--agree", help="You agree that data goes to this destination.")] = False,
    no_test: Annotated[bool, typer.Option("--no-test", help="Save without testing.")] = False,
    trust_host_key: TrustOption = False,
    no_browser: NoBrowserOption = False,
) -> None:
    """Add a connection: sign in with the browser where that is the way, test it, store its secrets in the system's keyring."""
    session = session_of(context)
    if not agree:
        raise FixSettings(
            "The connection was not saved.",
            "Nobody agreed that data goes to this destination.",
            "Read what will be sent, then repeat the command with --agree.",
            code="consent",
        )
    plain_settings, secret_values = read_settings(settings), read_secrets(secrets)
    sign_ins = session.services.sign_ins
    field = sign_ins.wanted(destination, plain_settings)
    if field and field not in secret_values:
        show = _page_opener(session, no_browser=no_browser)
        with session.output.progress() as progress:
            secret_values[field] = sign_ins.sign_in_draft(
                destination, plain_settings, secret_values, None, show, progress.context()
            )
    tested = None if no_test else _test_draft(session, destination, plain_settings, secret_values, trust=trust_host_key)
    connection = session.services.connections.add(
        name, destination, plain_settings, secret_values, share, agreed=True, tested=tested
    )
    session.output.result(
        {"connection": connection.name, "test": _tested(tested) if tested else None},
        f"Saved the connection '{connection.name}'." + (f" Reached {tested.reached}." if tested else ""),
    )


@commands.command()
def edit(
    context: typer.Context,
    name: Name,
    new_name: Annotated[str, typer.Option("--name", help="A new name.")] = "",
    settings: SetOption = [],
    secrets: SecretOption = [],
    share: Annotated[Access | None, typer.Option(help="Who may use it.")] = None,
) -> None:
    """Change settings, replace secrets, rename or share."""
    session = session_of(context)
    connection = session.services.connections.get(name).connection
    changed = session.services.connections.edit(
        name,
        new_name=new_name or None,
        settings={**connection.settings, **read_settings(settings)},
        secrets=read_secrets(secrets),
        access=share,
    )
    session.output.result({"connection": changed.name}, f"Changed the connection '{changed.name}'.")


@commands.command("list")
def list_connections(context: typer.Context) -> None:
    """The connections you may see."""
    session = session_of(context)
    rows = session.services.connections.all()
    session.output.rows(
        "connections",
        ("Connection", "Destination", "Can use it", "Used by", "Health"),
        [
            (
                r.connection.name,
                r.description.name,
                r.connection.access,
                len(r.used_by),
                r.health.state.replace("_", " "),
            )
            for r in rows
        ],
        map(_document, rows),
    )


@commands.command()
def show(context: typer.Context, name: Name) -> None:
    """A connection's settings; secrets are named, never shown."""
    session = session_of(context)
    row = session.services.connections.get(name)
    if session.options.json:
        session.output.document({"connection": _document(row)})
        return
    connection, health = row.connection, row.health
    session.output.rows(
        "connection",
        ("", connection.name),
        [
            ("Destination", row.description.name),
            *connection.settings.items(),
            *((field, "in the keyring") for field in sorted(connection.secrets)),
            ("Can use it", connection.access),
            ("Used by", ", ".join(row.used_by)),
            ("Health", " ".join((health.state.replace("_", " "), health.sentence)).strip()),
            ("Made", connection.created_at),
            ("Made by", connection.created_by),
        ],
        (),
    )


@commands.command()
def choices(
    context: typer.Context,
    name: Name,
    field: Annotated[str, typer.Option(help="The export's field to choose for; else the first that has a list.")] = "",
) -> None:
    """What an export can choose there, such as audiences, with the members each holds."""
    session = session_of(context)
    connections = session.services.connections
    description = connections.get(name).description
    pickers = [each.id for each in description.export_fields if each.kind == "picker"]
    if (field and field not in pickers) or not pickers:
        raise FixSettings(
            f"There is no list to choose from for “{field}”."
            if field
            else f"{description.name} has nothing to choose.",
            f"Its fields with a list are: {', '.join(pickers)}." if pickers else "Its exports have no such field.",
            f"Look at its fields: sendoff destinations show {description.id}",
            code="no_choices",
        )
    with session.output.progress() as progress:
        found = connections.choices(name, field or pickers[0], progress.context())
    session.output.rows(
        "choices",
        ("Id", "Name", "", "Members"),
        [(each.id, each.name, each.detail, each.members) for each in found],
        [{"id": c.id, "name": c.name, "detail": c.detail, "members": c.members} for c in found],
    )


@commands.command("test")
def reach(context: typer.Context, name: Name, trust_host_key: TrustOption = False) -> None:
    """Reach the destination with the stored secrets."""
    session = session_of(context)
    connections = session.services.connections
    try:
        with session.output.progress() as progress:
            try:
                result = connections.test(name, progress.context())
            except UnknownHostKey as unknown:
                _demand_trust(session, unknown, trust=trust_host_key)
                settings = {**connections.get(name).connection.settings, "host_key": unknown.key}
                connections.edit(name, settings=settings)
                result = connections.test(name, progress.context())
    except NotAllowed:
        raise
    except SendoffError as error:
        if not connections.exists(name):
            raise
        _tell_failed(session, name, error)
        return
    session.output.result(
        {"connection": name, **_tested(result)}, f"Reached {result.reached} in {result.milliseconds:,} ms."
    )


def _page_opener(session: Session, *, no_browser: bool) -> Callable[[str], None]:
    """Shows a sign-in page; its address is printed too, for a computer whose browser does not open by itself."""

    def show(page: str) -> None:
        session.output.say(f"Sign in on this page, then come back: {page}")
        if not no_browser:
            webbrowser.open(page)

    return show


@commands.command("sign-in")
def sign_in(context: typer.Context, name: Name, no_browser: NoBrowserOption = False) -> None:
    """Sign in anew with your browser, when a sign-in has ended or is about to."""
    session = session_of(context)
    show = _page_opener(session, no_browser=no_browser)
    with session.output.progress() as progress:
        connection = session.services.sign_ins.sign_in(name, show, progress.context())
    ends = connection.sign_in_ends
    session.output.result(
        {"connection": connection.name, "sign_in_ends": ends},
        f"Signed in for the connection '{connection.name}'." + (f" It lasts until {ends:%Y-%m-%d}." if ends else ""),
    )


def _tell_failed(session: Session, name: str, error: SendoffError) -> None:
    nothing = {"connection": name, "ok": False, "reached": "", "milliseconds": None, "rights": []}
    session.output.result({**nothing, "error": error.as_dict()}, str(error))
    if isinstance(error, ChangedHostKey):
        session.output.say(
            f"If it was really set up anew: sendoff connections edit '{name}' --set host_key= "
            f"and then sendoff connections test '{name}' --trust-host-key"
        )
    session.status = Exit.FAILED


@commands.command()
def remove(
    context: typer.Context,
    name: Name,
    detach: Annotated[bool, typer.Option("--detach", help="Detach the exports that use it.")] = False,
) -> None:
    """Remove a connection and its secrets; the accounts at the destination stay as they are."""
    session = session_of(context)
    connections = session.services.connections
    removed = connections.remove_with(name, "detach") if detach else connections.remove(name)
    connections.purge(removed)
    session.output.result({"removed": removed.name}, f"Removed the connection '{removed.name}'.")
