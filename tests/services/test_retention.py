from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import FixSettings, NotAllowed
from app.core.retention import LONGEST, Retention
from app.core.roles import Role
from app.core.workspaces import Audience
from app.services.audit import AuditService
from app.services.retention import RetentionService
from app.services.roles import RoleService
from app.store import Store


def test_what_is_set_is_kept_and_the_rest_is_as_usual(tmp_path: Path) -> None:
    store = Store.create(tmp_path, "Shop", Audience.CONSUMERS)
    roles = RoleService(store)
    audit = AuditService(store, roles)
    service = RetentionService(store, roles, audit)
    assert service.get() == Retention()
    assert service.set(rejects=7, receipts=400) == Retention(rejects=7, receipts=400)
    assert RetentionService(store, roles, audit).get() == Retention(rejects=7, receipts=400)
    (entry,) = audit.page().entries
    assert (entry.before, entry.after) == (
        {"keep.rejects": "30", "keep.receipts": "90"},
        {"keep.rejects": "7", "keep.receipts": "400"},
    )
    for wrong in (0, -1, LONGEST + 1):
        with pytest.raises(FixSettings):
            service.set(runs=wrong)
    assert service.get().runs == 90
    roles.set_role(Role.CONTRIBUTOR)
    with pytest.raises(NotAllowed):
        service.set(runs=30)
    store.close()
