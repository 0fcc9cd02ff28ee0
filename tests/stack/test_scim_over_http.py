"""The public checker of SCIM servers over HTTP, against real execution environments."""

from __future__ import annotations

from local.client import Client
from tests.scim.scim_checker import CHECKS, checked, failed
from tests.stack.conftest import ServedStack


def test_every_check_passes_over_http(served: ServedStack) -> None:
    with served.stack.postgres.superuser("parley") as connection:
        connection.run("UPDATE organizations SET seat_limit = 1000, request_limit = 100000")
    token = served.owner.post("/v1/scim/token").body["token"]
    results = checked(Client(served.stack.url, token), served.stack.url)
    assert failed(results) == ""
    assert len(results) == CHECKS
