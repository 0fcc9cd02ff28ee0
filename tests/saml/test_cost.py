"""What a log-in by single sign-on asks of the database."""

from __future__ import annotations

from tests.kernel.postgres_proxy import wired
from tests.saml.sso_scenarios import SsoOrganization


def test_round_trips(house: SsoOrganization) -> None:
    email = f"ada@{house.domain}"
    with wired() as wire:
        assert house.log_in(email).status == 200  # what is made once is there: the account, a connection, data keys
        browser = house.browser()
        before = wire.round_trips
        authn_request = house.begin(browser)
        assert wire.round_trips - before <= 5
        document = house.provider.respond(authn_request, email)
        before = wire.round_trips
        assert house.post(browser, document, authn_request.relay_state).status == 200
        assert wire.round_trips - before <= 8
        before = wire.round_trips
        assert house.post(browser, document, authn_request.relay_state).status == 403
        assert wire.round_trips - before <= 6  # the trail included
