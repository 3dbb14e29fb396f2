"""What opening any destination begins with: its connection's values with the usual ones filled in, and its secret."""

from __future__ import annotations

from app.core.errors import SignInAgain
from app.destinations.contract import Settings
from app.destinations.description import Description


def filled(settings: Settings, of: Description) -> dict[str, str]:
    """The values of all connection fields: what was given, else the usual, else nothing."""
    usual = {field.id: field.default for field in of.connection_fields}
    return usual | {key: value.strip() for key, value in settings.values.items() if value.strip()}


def needed_secret(settings: Settings, field_id: str, name: str) -> str:
    """That secret; raises SignInAgain with code "secret_missing" without it. `name` follows “The”: "API key of Klaviyo"."""
    secret = settings.secrets.get(field_id, "").strip()
    if not secret:
        raise SignInAgain(
            f"The {name} is missing.",
            "It is not stored on this computer.",
            "Enter it in the connection.",
            code="secret_missing",
        )
    return secret
