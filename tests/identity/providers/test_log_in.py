"""Whole round trips: our routes, a browser, and a provider that we have not written."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from parley.identity.declared import IdentityDirectory
from parley.identity.models import UserSession
from parley.identity.sessions.access_tokens import verify
from parley.kernel.access.callers import NOWHERE, ActorType, Caller
from parley.kernel.persistence import directory, transactions
from parley.kernel.persistence.column_encryption import unseal
from parley.kernel.values.ids import new_id
from tests.harness import Client, World
from tests.identity.providers.conftest import NewBrowser, address, personal_rows, verified
from tests.identity.providers.openid_provider import KINDS, TENANT, OpenIdProvider, ProviderAccount, query_of
from tests.identity.registered_users import received_mails


def start(kind: str, **query: str) -> str:
    from urllib.parse import urlencode

    return f"/v1/auth/providers/{kind}/start" + (f"?{urlencode(query)}" if query else "")


@pytest.mark.parametrize("kind", KINDS)
def test_somebody_new_logs_in_and_comes_back(surf: NewBrowser, kind: str) -> None:
    email = address()
    account = verified(email)
    first = surf(account).go(start(kind))
    assert first.status == 200, first.raw
    made = first.body
    assert (made["token_type"], made["expires_in"], made["organization"]) == ("Bearer", 900, None)
    assert made["user"]["email"] == email
    assert made["refresh_token"]
    assert str(verify(made["access_token"]).user_id) == made["user"]["id"]
    user, [link] = personal_rows(UUID(made["user"]["id"]))
    assert user.email_verified_at is not None
    assert user.password_hash is None
    assert link.provider_type.value == kind.upper()
    assert link.provider_email == email

    again = surf(account).go(start(kind))
    assert again.status == 200
    assert again.body["user"]["id"] == made["user"]["id"]
    assert len(personal_rows(UUID(made["user"]["id"]))[1]) == 1


def test_the_address_asks_for_what_the_protocol_says(stranger: Client, site: OpenIdProvider) -> None:
    for kind in KINDS:
        answer = stranger.get(start(kind))
        assert answer.status == 302
        query = query_of(answer.headers["location"])
        assert answer.headers["location"].startswith(f"{site.url}/{kind}/authorize?")
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert len(query["code_challenge"]) == len(query["state"]) == 43
        assert (query.get("response_mode") == "form_post") == (kind == "apple")
        assert ("nonce" in query) == (kind != "github")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"__Host-parley_attempt_{kind}=")
        assert "; Max-Age=600" in cookie and "; HttpOnly" in cookie and "; Secure" in cookie
        assert ("SameSite=None" if kind == "apple" else "SameSite=Lax") in cookie
        assert query["state"] not in cookie
        assert answer.headers["cache-control"] == "no-store"


def test_a_browser_ends_where_it_wanted_with_the_refresh_token_in_a_cookie(surf: NewBrowser) -> None:
    for wanted in ("https://app.parley.test/welcome?tab=1", "/docs"):
        browser = surf()
        answer = browser.go(start("google", return_to=wanted))
        assert (answer.status, answer.headers.get("location")) == (303, wanted), (answer, browser.set_cookies)
        assert browser.cookies["__Secure-parley_refresh"].same_site == "Strict"
        assert browser.cookies["__Secure-parley_refresh"].path == "/v1/auth"
        assert [name for name in browser.cookies if name.startswith("__Host-")] == []


def test_the_session_says_how_it_came_about(surf: NewBrowser) -> None:
    made = surf().go(start("github")).body
    with transactions.personal(Caller(NOWHERE, ActorType.USER, UUID(made["user"]["id"]))) as session:
        [begun] = session.scalars(select(UserSession)).all()
    assert begun.methods == ["github"]
    assert verify(made["access_token"]).session_id == begun.id


def test_tokens_of_the_provider_are_sealed_for_the_user_and_renewed(site: OpenIdProvider, surf: NewBrowser) -> None:
    account = verified()
    user_id = UUID(surf(account).go(start("google")).body["user"]["id"])
    opened = []
    for _ in range(2):
        with transactions.personal(Caller(NOWHERE, ActorType.USER, user_id)) as session:
            from parley.identity.models import AuthProvider

            link = session.scalars(select(AuthProvider)).one()
            assert repr(link.access_token) == "Sealed(***)"
            opened.append((unseal(session, link, AuthProvider.access_token), unseal(session, link, AuthProvider.refresh_token)))
        surf(account).go(start("google"))
    assert all(site.tokens[access] is account for access, _ in opened)
    assert len({*opened[0], *opened[1]}) == 4


def test_the_name_that_apple_sends_once_is_a_name_and_nothing_else(surf: NewBrowser) -> None:
    form = {"user": '{"name": {"firstName": "Grace\\u0000", "lastName": "Hopper"}, "email": "root@parley.test"}'}
    email = address()
    account = verified(email, form=form, claims={"email_verified": "true", "is_private_email": "true", "name": None})
    made = surf(account).go(start("apple")).body
    assert (made["user"]["name"], made["user"]["email"]) == ("Grace Hopper", email)


def test_what_is_configured_is_listed(stranger: Client, site: OpenIdProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = stranger.get("/v1/auth/providers").body["items"]
    assert [provider["name"] for provider in listed] == ["apple", "github", "google", "microsoft"]
    assert stranger.get(listed[0]["start"]).status == 302
    monkeypatch.setenv("OAUTH_PROVIDERS", "")
    assert stranger.get("/v1/auth/providers").body == {"items": []}
    refused = stranger.get(start("google"))
    assert (refused.status, refused.body["code"]) == (404, "no_such_provider")
    assert stranger.get(start("nobody")).raw == refused.raw


def test_basic_authentication_at_the_token_endpoint(site: OpenIdProvider, surf: NewBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTH_PROVIDERS", site.settings(google={"token_auth": "client_secret_basic"}))
    assert surf().go(start("google")).status == 200


# --- whose account ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_verified_address_leads_to_the_account_that_has_verified_it(world: World, surf: NewBrowser, kind: str) -> None:
    person = world.person(address().upper())
    made = surf(verified(person.email.lower())).go(start(kind)).body
    assert made["user"]["id"] == str(person.user_id)
    assert len(personal_rows(person.user_id)[1]) == 1


def test_an_address_that_the_account_has_not_verified_leads_nowhere_before_a_mail_has(world: World, surf: NewBrowser) -> None:
    person = world.person(address(), is_verified=False)
    somebody = verified(person.email)
    refused = surf(somebody).go(start("google"))
    assert (refused.status, refused.body["code"]) == (409, "address_not_verified")
    assert personal_rows(person.user_id)[1] == []
    assert Client(world).post("/v1/auth/magic-link", {"email": person.email}).status == 202
    assert Client(world).post("/v1/auth/magic-link/redeem", {"token": received_mails(world, person.email)[-1].token}).status == 200
    assert surf(somebody).go(start("google")).body["user"]["id"] == str(person.user_id)


SPOKEN_FOR: dict[str, tuple[str, str, dict[str, Any], bool]] = {
    "google runs Gmail": ("google", "gmail.com", {}, True),
    "google runs Gmail under its other name": ("google", "googlemail.com", {}, True),
    "google hosts the domain": ("google", "corp.example", {"hd": "Corp.example"}, True),
    "google hosts another domain": ("google", "corp.example", {"hd": "other.example"}, False),
    "google hosts a domain above": ("google", "mail.corp.example", {"hd": "corp.example"}, False),
    "google could reach the address once": ("google", "corp.example", {}, False),
    "google names no domain": ("google", "corp.example", {"hd": ["corp.example"]}, False),
    "google does not run another's mail": ("google", "icloud.com", {}, False),
    "apple runs iCloud": ("apple", "icloud.com", {}, True),
    "apple runs its relay": ("apple", "privaterelay.appleid.com", {"is_private_email": "true"}, True),
    "apple could reach the address once": ("apple", "corp.example", {"hd": "corp.example"}, False),
    "microsoft knows the owner of the domain": ("microsoft", "corp.example", {"xms_edov": True}, True),
    "microsoft does not": ("microsoft", "corp.example", {"xms_edov": None}, False),
    "github runs no mail": ("github", "gmail.com", {}, False),
    "the operator trusts github with a domain": ("github", "people.test", {}, True),
}


@pytest.mark.parametrize("name", SPOKEN_FOR)
def test_an_address_counts_where_the_provider_speaks_for_its_domain(world: World, surf: NewBrowser, name: str) -> None:
    """Of what is verified. A former employee's account at a provider names an address that is somebody else's now."""
    kind, domain, claims, is_spoken_for = SPOKEN_FOR[name]
    owner = world.person(f"grace.{new_id().hex}@{domain}")
    made = surf(verified(owner.email, claims=claims)).go(start(kind)).body
    assert (made["user"]["id"] == str(owner.user_id)) is is_spoken_for
    assert made["user"]["email"] == (owner.email if is_spoken_for else None)
    assert len(personal_rows(owner.user_id)[1]) == int(is_spoken_for)


def test_without_an_account_there_an_address_of_others_is_left_free(surf: NewBrowser) -> None:
    email = f"grace.{new_id().hex}@corp.example"
    assert surf(verified(email)).go(start("google")).body["user"]["email"] is None
    assert directory.person_of(IdentityDirectory.EMAIL, email) is None


NOT_VERIFIED: dict[str, tuple[str, dict[str, Any]]] = {
    "google says no": ("google", {"email_verified": False}),
    "google says nothing": ("google", {"email_verified": None}),
    "google says a word": ("google", {"email_verified": "yes"}),
    "microsoft's email_verified is nothing of Microsoft's": ("microsoft", {"email_verified": True, "xms_edov": None}),
    "microsoft says no": ("microsoft", {"xms_edov": False}),
    "microsoft says 0": ("microsoft", {"xms_edov": "0"}),
    "apple says false": ("apple", {"email_verified": "false"}),
}


@pytest.mark.parametrize("name", NOT_VERIFIED)
def test_an_address_that_the_provider_has_not_verified_is_no_address(world: World, surf: NewBrowser, name: str) -> None:
    kind, claims = NOT_VERIFIED[name]
    person = world.person(address())
    made = surf(verified(person.email, claims={"email": person.email, **claims})).go(start(kind)).body
    assert made["user"]["id"] != str(person.user_id)
    assert made["user"]["email"] is None
    assert personal_rows(person.user_id)[1] == []
    assert personal_rows(UUID(made["user"]["id"]))[1][0].provider_email is None


def test_a_tenant_of_microsofts_is_trusted_when_the_operator_says_so(
    site: OpenIdProvider, surf: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTH_PROVIDERS", site.settings(microsoft={"trusted_tenants": [TENANT]}))
    email = address()
    assert surf(verified(email, claims={"xms_edov": None})).go(start("microsoft")).body["user"]["email"] == email
    stranger = verified(address(), claims={"xms_edov": None}, tenant="11111111-2222-3333-4444-555555555555")
    assert surf(stranger).go(start("microsoft")).body["user"]["email"] is None


GITHUB = {
    "none": [],
    "not verified": [{"email": "a@x.test", "primary": True, "verified": False}],
    "not the primary one": [{"email": "a@x.test", "primary": False, "verified": True}],
    "nonsense": ["a@x.test", None, {"email": 7, "primary": True, "verified": True}, {"email": "x", "primary": "true", "verified": True}],
    "no address": [{"email": "not an address", "primary": True, "verified": True}],
}


@pytest.mark.parametrize("name", GITHUB)
def test_of_github_only_the_primary_verified_address_counts(surf: NewBrowser, name: str) -> None:
    made = surf(ProviderAccount(emails=GITHUB[name])).go(start("github")).body  # type: ignore[arg-type]  # nonsense is among them
    assert made["user"]["email"] is None
    assert made["user"]["name"].startswith("user")


def test_a_github_app_that_may_not_read_addresses_gets_none(
    site: OpenIdProvider, surf: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTH_PROVIDERS", site.settings(github={"emails": f"{site.url}/forbidden"}))
    assert surf().go(start("github")).body["user"]["email"] is None


def test_accounts_of_the_same_name_at_two_tenants_are_two(surf: NewBrowser) -> None:
    provider_account = verified(subject="ab" * 8)
    other = verified(subject="ab" * 8, tenant="11111111-2222-3333-4444-555555555555")
    ids = {surf(account).go(start("microsoft")).body["user"]["id"] for account in (provider_account, other)}
    assert len(ids) == 2


def test_accounts_that_differ_in_the_case_of_a_letter_are_two(surf: NewBrowser) -> None:
    ids = {surf(verified(subject=subject)).go(start("google")).body["user"]["id"] for subject in ("c0ffee" * 3, "C0FFEE" * 3)}
    assert len(ids) == 2
