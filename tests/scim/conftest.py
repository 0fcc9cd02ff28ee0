from __future__ import annotations

import pytest
from sqlalchemy import update

from parley.identity.models import Organization
from parley.kernel import db
from tests.harness import Member


@pytest.fixture
def directory(acme: Member) -> Member:
    """An administrator's token, in an organization that is provisioned."""
    with db.transaction(acme.caller) as session:
        session.execute(update(Organization).where(Organization.id == acme.organization_id).values(scim_enabled=True))
    return acme.as_role("ADMIN")
