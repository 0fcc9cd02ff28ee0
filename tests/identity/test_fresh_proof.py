"""What changes how somebody comes in takes a fresh proof, whatever the account has: a token by itself may be somebody else's by now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from parley.identity.models import AuthProvider, AuthProviderType, User, UserSession
from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from tests.harness import World
from tests.identity.registered_users import PASSWORD, Person, ProgramClient, address, person, received_mails
from tests.identity.test_second_factors import Authenticator, enrolled

OTHERWISE = {
    "POST /v1/auth/switch": "another organization in the same session",
    "POST /v1/auth/logout-everywhere": "ends sessions, and opens none",
    "DELETE /v1/auth/sessions/{session_id}": "ends a session, and opens none",
    "POST /v1/auth/invitations/accept": "a membership, by a link that came by mail",
    "POST /v1/auth/totp/confirm": "takes a code of the secret that a proof has given out",
    "POST /v1/auth/email/confirm": "takes the link that a proof has had sent",
}
"""Routes of people that take no proof of their own, and why."""
CHANGES: dict[str, dict[str, Any]] = {
    "POST /v1/auth/email": {"email": "somebody.else@people.example"},
    "POST /v1/auth/totp": {},
    "DELETE /v1/auth/totp": {},
    "POST /v1/auth/recovery-codes": {},
    "PUT /v1/auth/password": {"current_password": "not my password 1", "new_password": "three rivers, no bridge"},
    "POST /v1/auth/providers/{provider}/link": {},
    "DELETE /v1/auth/providers/linked/{link_id}": {},
    "DELETE /v1/auth/account": {},
}
NEEDS_FACTOR = ("DELETE /v1/auth/totp", "POST /v1/auth/recovery-codes")
PROVIDERS = '{"google": {"client_id": "a client", "client_secret": "of a test"}}'


def age(who: Person, minutes: int = 11) -> None:
    """Their log-ins are as old as that."""
    with transactions.personal(system(NOWHERE), who.tokens["user"]["id"]) as session:
        session.execute(update(UserSession).values(created_at=now() - timedelta(minutes=minutes)))


def without_password(world: World) -> Person:
    """Somebody who comes in by links in mails."""
    ada = person(world)
    with transactions.personal(system(NOWHERE), ada.tokens["user"]["id"]) as session:
        session.execute(update(User).values(password_hash=None))
    assert ProgramClient(world).post("/v1/auth/magic-link", {"email": ada.email}).status == 202
    ada.takes(ProgramClient(world).post("/v1/auth/magic-link/redeem", {"token": received_mails(world, ada.email)[-1].token}))
    return ada


def linked(who: Person) -> str:
    """The id of an account at a provider that is theirs."""
    user_id = UUID(who.tokens["user"]["id"])
    with transactions.personal(system(NOWHERE), user_id) as session:
        row = AuthProvider(user_id=user_id, provider_type=AuthProviderType.GITHUB, provider_id=str(new_id()))
        session.add(row)
        session.flush()
        return str(row.id)


def ask(who: Person, route: str, **proof: Any) -> Any:
    method, path = route.split()
    path = path.replace("{provider}", "google")
    path = path.replace("{link_id}", linked(who)) if "{link_id}" in path else path
    return who.request(method, path, CHANGES[route] | proof)


def test_every_route_that_changes_how_one_comes_in_is_known(world: World) -> None:
    """Those of people under /v1/auth that change something: each takes a proof, or says why not."""
    routes = {f"{route.method} {route.path}" for route in world.template.routes if route.authorizer is not None}
    changing = {route for route in routes if " /v1/auth/" in route and not route.startswith("GET ")}
    assert changing == CHANGES.keys() | OTHERWISE.keys()


@pytest.mark.parametrize("route", CHANGES)
def test_a_token_by_itself_changes_no_way_in(world: World, monkeypatch: pytest.MonkeyPatch, route: str) -> None:
    monkeypatch.setenv("OAUTH_PROVIDERS", PROVIDERS)
    of_password = enrolled(world)[0] if route in NEEDS_FACTOR else person(world)
    refused = ask(of_password, route)
    assert (refused.status, refused.body["code"]) == (403, "wrong_password")
    if route in NEEDS_FACTOR:
        return  # who has a second factor and no password proves it by a code: below
    of_links = without_password(world)
    age(of_links)
    refused = ask(of_links, route)
    wanted = (409, "no_password") if route == "PUT /v1/auth/password" else (403, "log_in_again")
    assert (refused.status, refused.body["code"]) == wanted


@pytest.mark.parametrize("route", [route for route in CHANGES if route != "PUT /v1/auth/password"])
def test_who_has_a_second_factor_alone_proves_it_by_a_code(world: World, monkeypatch: pytest.MonkeyPatch, route: str) -> None:
    monkeypatch.setenv("OAUTH_PROVIDERS", PROVIDERS)
    ada, app, _ = enrolled(world)
    with transactions.personal(system(NOWHERE), ada.tokens["user"]["id"]) as session:
        session.execute(update(User).values(password_hash=None))
    assert ask(ada, route).body["code"] in ("invalid_code", "second_factor_on")
    proved = ask(ada, route, code=app.code())
    assert proved.status in (200, 201, 202, 204) or proved.body["code"] in ("second_factor_on", "no_such_link"), proved.raw


def test_a_fresh_log_in_is_a_proof_of_who_has_neither(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTH_PROVIDERS", PROVIDERS)
    ada = without_password(world)
    assert ask(ada, "POST /v1/auth/email", email=address()).status == 202
    assert ask(ada, "POST /v1/auth/providers/{provider}/link").status == 200
    begun = ask(ada, "POST /v1/auth/totp")
    assert begun.status == 201
    age(ada)
    # A session that is refreshed began when it began.
    ada.takes(ProgramClient(world).post("/v1/auth/refresh", {"refresh_token": ada.refresh_token}))
    assert ask(ada, "POST /v1/auth/email", email=address()).body["code"] == "log_in_again"
    assert ada.post("/v1/auth/totp/confirm", {"code": Authenticator(begun.body["secret"]).code()}).status == 200


def test_a_password_proves_each_of_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTH_PROVIDERS", PROVIDERS)
    ada = person(world)
    age(ada)
    assert ask(ada, "POST /v1/auth/providers/{provider}/link", password=PASSWORD).status == 200
    assert ask(ada, "POST /v1/auth/totp", password=PASSWORD).status == 201
    assert ask(ada, "DELETE /v1/auth/providers/linked/{link_id}", password=PASSWORD).status == 204
