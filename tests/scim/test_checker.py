"""The public checker of SCIM servers, whole, through the gateway and the authorizer, with the organization's token."""

from __future__ import annotations

from tests.scim.scim_checker import CHECKS, checked, failed
from tests.scim.scim_client import ScimClient


def test_every_check_passes_and_none_is_skipped(directory: ScimClient) -> None:
    results = checked(directory, "https://parley.test")
    assert failed(results) == ""
    assert len(results) == CHECKS
