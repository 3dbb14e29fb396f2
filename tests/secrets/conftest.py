from __future__ import annotations

from tests.servers.secret_service import secret_service, secret_service_here

__all__ = ["secret_service", "secret_service_here"]
