from __future__ import annotations

import pytest

from tests.harness import Member
from tests.scim.directory import Directory


def provisioned(organization: Member) -> Directory:
    made = organization.post("/v1/scim/token")
    assert made.status == 201, made.raw
    return Directory(organization.world, made.body["token"], organization)


@pytest.fixture
def directory(acme: Member) -> Directory:
    """What an identity provider is, once it has the token."""
    return provisioned(acme)


@pytest.fixture
def other(globex: Member) -> Directory:
    return provisioned(globex)
