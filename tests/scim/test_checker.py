"""The public checker of SCIM servers, whole, through the gateway and the authorizer."""

from __future__ import annotations

from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from tests.harness import Member
from tests.scim.checker import wsgi

CHECKS = 135
FINE = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


def test_every_check_passes(directory: Member) -> None:
    client = WSGISCIMClient(wsgi(directory), base_url="https://parley.test/scim/v2")
    results = check_server(client)
    failed = [(result.status, result.title, result.resource_type, result.reason) for result in results if result.status not in FINE]
    assert failed == [], "\n".join(map(str, failed))
    assert len(results) == CHECKS
