"""Where this computer keeps the certificate authorities it believes, for drivers that want a file."""

from __future__ import annotations

import ssl
from pathlib import Path

from app.core.errors import FixSettings

_PLACES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/cert.pem", "/etc/ssl/cert.pem")


def system_authorities() -> str:
    """The file; raises FixSettings when there is none."""
    for place in (ssl.get_default_verify_paths().cafile, *_PLACES):
        if place is not None and Path(place).is_file():
            return place
    raise FixSettings(
        "It can't be told whether the server is the right one.",
        "This computer keeps its certificate authorities where the driver can't read them.",
        "Name a file with the authority of the server's certificate.",
        code="server_certificate",
    )
