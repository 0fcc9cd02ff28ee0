"""The public checker of SCIM servers, whole, through the gateway and the authorizer, with the organization's token."""

from __future__ import annotations

from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from tests.scim.checker import wsgi
from tests.scim.directory import Directory

CHECKS = 135
FINE = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


def test_every_check_passes_and_none_is_skipped(directory: Directory) -> None:
    results = check_server(WSGISCIMClient(wsgi(directory), base_url="https://parley.test/scim/v2"))
    failed = [(result.status, result.title, result.resource_type, result.reason) for result in results if result.status not in FINE]
    assert failed == [], "\n".join(map(str, failed))
    assert len(results) == CHECKS
