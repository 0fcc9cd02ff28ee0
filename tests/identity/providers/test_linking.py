"""One user, many ways in; and many at once."""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pyotp
import pytest
from sqlalchemy import func, select, update

from local.client import Answer
from parley.identity.accounts import passwords
from parley.identity.declared import IdentityDirectory
from parley.identity.models import AuthProvider, User, UserSession, UserStatus
from parley.kernel.access.callers import NOWHERE, ActorType, Caller, system
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from tests.harness import Client, Member, Person, World
from tests.identity.providers.browser_client import CookieBrowser
from tests.identity.providers.conftest import NewBrowser, address, personal_rows, verified
from tests.identity.providers.openid_provider import KINDS, OpenIdProvider, ProviderAccount, query_of
from tests.identity.providers.test_log_in import start
from tests.identity.providers.test_refusals import refused
from tests.identity.registered_users import PASSWORD

LINKED = "/v1/auth/providers/linked"


def begin_link(browser: CookieBrowser, token: str | None, kind: str, return_to: str | None = None) -> Answer:
    """The page in the browser asks to link; its fetch stores the cookie."""
    body = f'{{"return_to": "{return_to}"}}'.encode() if return_to else b"{}"
    browser.has_been_away = False
    return browser.step("POST", f"/v1/auth/providers/{kind}/link", body, token=token, kind="application/json")


def link(browser: CookieBrowser, token: str | None, kind: str, return_to: str | None = None) -> Answer:
    begun = begin_link(browser, token, kind, return_to)
    assert begun.status == 200, begun.raw
    return browser.follow(browser.step("GET", begun.body["authorization_url"]))


def test_one_user_links_all_four_and_unlinks_all_but_the_last(world: World, surf: NewBrowser) -> None:
    person = world.person()
    for kind in KINDS:
        linked = link(surf(), person.token, kind)
        assert (linked.status, linked.body["provider"]) == (200, kind), linked.raw
    listed = person.get(LINKED).body
    assert [provider_row["provider"] for provider_row in listed["items"]] == list(reversed(KINDS))
    assert listed["next_cursor"] is None
    assert all(set(account_link) == {"id", "provider", "email", "linked_at", "last_used_at"} for account_link in listed["items"])
    for provider_row in listed["items"][:-1]:
        assert person.delete(f"{LINKED}/{provider_row['id']}").status == 204
    last = listed["items"][-1]["id"]
    refused(person.delete(f"{LINKED}/{last}"), 409, "last_way_in")
    give_password(person)
    assert unlink(person, last).status == 204
    refused(unlink(person, last), 404, "no_such_link")
    assert person.get(LINKED).body["items"] == []


def give_password(person: Person) -> None:
    with transactions.personal(Caller(NOWHERE, ActorType.USER, person.user_id)) as session:
        session.execute(update(User).values(password_hash=passwords.hashed(PASSWORD)))


def unlink(person: Person, link_id: str) -> Answer:
    return person.request("DELETE", f"{LINKED}/{link_id}", {"password": PASSWORD})


def test_what_was_unlinked_is_free_again(world: World, surf: NewBrowser) -> None:
    account = verified()
    person, other = world.person(), world.person()
    made = link(surf(account), person.token, "google")
    give_password(person)
    refused(link(surf(account), other.token, "google"), 409, "linked_elsewhere")
    assert person.delete(f"{LINKED}/{made.body['id']}").body["code"] == "wrong_password"
    assert unlink(person, made.body["id"]).status == 204
    assert link(surf(account), other.token, "google").status == 200
    assert surf(account).go(start("google")).body["user"]["id"] == str(other.user_id)


def test_linking_needs_no_address_and_takes_none(world: World, surf: NewBrowser) -> None:
    person = world.person()
    assert link(surf(ProviderAccount()), person.token, "google").body["email"] is None
    other = world.person()
    account = verified(other.email)  # somebody else's address, verified: who is logged in says what they mean
    assert link(surf(account), person.token, "google").status == 200
    assert personal_rows(person.user_id)[0].email == person.email
    assert surf(account).go(start("google")).body["user"]["id"] == str(person.user_id)


def test_linking_again_changes_nothing(world: World, surf: NewBrowser) -> None:
    person, account = world.person(), verified()
    first, second = link(surf(account), person.token, "github"), link(surf(account), person.token, "github")
    assert first.body["id"] == second.body["id"]
    assert len(person.get(LINKED).body["items"]) == 1


def test_a_browser_ends_where_it_wanted(world: World, surf: NewBrowser) -> None:
    person, account = world.person(), verified()
    page = "https://app.parley.test/settings"
    assert link(surf(account), person.token, "apple", page).headers["location"] == f"{page}?linked=apple"
    other = world.person()
    assert link(surf(account), other.token, "apple", page).headers["location"] == f"{page}?error=linked_elsewhere"


def test_a_link_is_begun_by_who_is_logged_in_and_finished_in_the_same_browser(world: World, surf: NewBrowser) -> None:
    """An attacker begins to link, and sends a victim to the address: the victim's account there must not become the attacker's."""
    attacker, browser, victims = world.person(), surf(), surf()
    begun = begin_link(browser, attacker.token, "google")
    refused(victims.follow(victims.step("GET", begun.body["authorization_url"])), 400, "unknown_attempt")
    assert attacker.get(LINKED).body["items"] == []
    assert Client(world).post("/v1/auth/providers/google/link").status == 401


def test_a_link_needs_the_session_that_began_it(world: World, surf: NewBrowser) -> None:
    made = surf().go(start("google")).body
    browser = surf()
    begun = begin_link(browser, made["access_token"], "github")
    with transactions.personal(Caller(NOWHERE, ActorType.USER, UUID(made["user"]["id"]))) as session:
        session.execute(update(UserSession).values(revoked_at=now()))
    refused(browser.follow(browser.step("GET", begun.body["authorization_url"])), 401, "session_ended")
    assert len(personal_rows(UUID(made["user"]["id"]))[1]) == 1
    refused(begin_link(browser, made["access_token"], "github"), 401, "session_ended")


def test_nobody_unlinks_for_another(world: World, surf: NewBrowser) -> None:
    person, other = world.person(), world.person()
    link(surf(), person.token, "google")
    made = link(surf(), person.token, "github").body["id"]
    refused(other.delete(f"{LINKED}/{made}"), 404, "no_such_link")
    assert len(person.get(LINKED).body["items"]) == 2


@pytest.mark.parametrize("status", [UserStatus.SUSPENDED, UserStatus.INACTIVE])
def test_an_account_that_is_not_active_is_not_entered(world: World, surf: NewBrowser, status: UserStatus) -> None:
    person, account, new = world.person(), verified(), verified()
    link(surf(account), person.token, "google")
    with transactions.personal(Caller(NOWHERE, ActorType.USER, person.user_id)) as session:
        session.execute(update(User).values(status=status))
    refused(surf(account).go(start("google")), 403, "account_inactive")
    new.claims["email"] = person.email
    refused(surf(new).go(start("microsoft")), 403, "account_inactive")


# --- at once -----------------------------------------------------------------------------------------------------------------------------


def together(*calls: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def at_complete(browser: CookieBrowser, kind: str) -> Callable[[], Answer]:
    answer = browser.step("GET", start(kind))
    while (where := browser.next(answer)) is not None and not where[1].endswith("/complete"):
        answer = browser.step(*where)
    return lambda: browser.step("GET", f"/v1/auth/providers/{kind}/complete")


def test_one_new_identity_in_many_browsers_at_once_makes_one_account(surf: NewBrowser) -> None:
    account = verified()
    answers = together(*(at_complete(surf(account), "google") for _ in range(8)))
    assert {answer.status for answer in answers} == {200}, [answer.raw for answer in answers]
    [user_id] = {answer.body["user"]["id"] for answer in answers}
    assert len(personal_rows(UUID(user_id))[1]) == 1
    assert len({answer.body["refresh_token"] for answer in answers}) == 8


def test_one_address_at_all_four_at_once_makes_one_account_with_four_ways_in(surf: NewBrowser) -> None:
    email = address()
    answers = together(*(at_complete(surf(verified(email)), kind) for kind in KINDS))
    assert {answer.status for answer in answers} == {200}, [answer.raw for answer in answers]
    [user_id] = {answer.body["user"]["id"] for answer in answers}
    assert len(personal_rows(UUID(user_id))[1]) == 4


def test_one_attempt_finished_twice_at_once_leads_somewhere_once(surf: NewBrowser) -> None:
    browser = surf()
    at_complete(browser, "google")
    twins = [CookieBrowser(browser.world, browser.home, browser.account, cookies=dict(browser.cookies)) for _ in range(6)]
    answers = together(*(lambda twin=twin: twin.step("GET", "/v1/auth/providers/google/complete") for twin in twins))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409, 409]


def test_one_identity_linked_by_two_users_at_once_belongs_to_one(world: World, surf: NewBrowser) -> None:
    account, people = verified(), [world.person(), world.person()]
    calls = []
    for person in people:
        browser = surf(account)
        begun = begin_link(browser, person.token, "google")
        where = browser.next(browser.step("GET", begun.body["authorization_url"]))
        assert where is not None
        browser.step(*where)
        calls.append(lambda browser=browser: browser.step("GET", "/v1/auth/providers/google/complete"))
    assert sorted(answer.status for answer in together(*calls)) == [200, 409]
    assert sorted(len(person.get(LINKED).body["items"]) for person in people) == [0, 1]


def test_the_last_two_ways_in_unlinked_at_once_leave_one(world: World, surf: NewBrowser) -> None:
    for _ in range(4):
        person = world.person()
        ids = [link(surf(), person.token, kind).body["id"] for kind in ("google", "github")]
        answers = together(*(partial(person.delete, f"{LINKED}/{link_id}") for link_id in ids))
        assert sorted(answer.status for answer in answers) == [204, 409]


# --- the trail, and what is not in it ----------------------------------------------------------------------------------------------------


def test_it_is_audited_with_ids_and_codes_alone(site: OpenIdProvider, surf: NewBrowser) -> None:
    email = address()
    browser = surf(verified(email))
    made = browser.go(start("google")).body
    with transactions.transaction(system(NOWHERE)) as session:
        rows = session.scalars(select(AuditLog).where(AuditLog.actor_id == UUID(made["user"]["id"]))).all()
    assert [row.action for row in rows] == ["user.registered", "provider.linked", "user.login_succeeded"]
    text = repr([(row.details, row.new_values, row.old_values) for row in rows])
    assert email not in text and not [token for token in site.tokens if token in text]


def test_no_secret_is_logged(site: OpenIdProvider, surf: NewBrowser) -> None:
    """Addresses, names, tokens, codes, states, secrets of clients: of log-ins that succeed and of such that fail."""
    kept = Kept()
    logger = logging.getLogger("parley")
    level = logger.level
    logger.addHandler(kept)
    logger.setLevel("DEBUG")
    try:
        seen: list[str] = []
        for kind in KINDS:
            account = verified(claims={"name": "Canary of a name"})
            browser = surf(account)
            answer = browser.step("GET", start(kind))
            seen += query_of(answer.headers["location"]).values()
            assert browser.follow(answer).status == 200
            account.token = lambda site, body: body.update(id_token="canary.of.a-token", access_token="canary-of-access")
            surf(account).go(start(kind))
    finally:
        logger.removeHandler(kept)
        logger.setLevel(level)
    assert "invalid_id_token" in kept.text
    secrets = [client.secret for client in site.clients.values()] + list(site.tokens) + [value for value in seen if len(value) == 43]
    secrets += [provider_account.claims["email"] for provider_account in site.accounts.values() if "email" in provider_account.claims] + [
        "anary",
        os.environ["PEPPER"],
    ]
    assert [secret for secret in secrets if secret in kept.text] == []


class Kept(logging.Handler):
    """Everything that is in the records of our loggers."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f"{vars(record)} {record.getMessage()}\n"
        if record.exc_info and record.exc_info[1]:
            self.text += "".join(traceback.format_exception(record.exc_info[1]))


def test_the_directory_holds_no_name_of_a_provider(world: World, surf: NewBrowser) -> None:
    account = verified()
    made = surf(account).go(start("google")).body
    rows = transactions.lookup("SELECT kind, key FROM directory_entries WHERE user_id = %s", UUID(made["user"]["id"]))
    assert {kind for kind, _ in rows} == {IdentityDirectory.EMAIL, IdentityDirectory.PROVIDER_ACCOUNT}
    assert all(len(key) == 64 and account.subject not in key for _, key in rows)


def test_what_is_finished_is_forgotten_in_time(surf: NewBrowser, acme: Member) -> None:
    from datetime import timedelta

    from parley.identity.models import FinishedLogIn

    with transactions.transaction(acme.caller) as session:
        session.add_all(FinishedLogIn(state_hash=f"old {number}", finished_at=now() - timedelta(hours=2)) for number in range(3))
    assert surf().go(start("google")).status == 200
    with transactions.transaction(acme.caller) as session:
        old = select(func.count()).select_from(FinishedLogIn).where(FinishedLogIn.state_hash.startswith("old"))
        assert session.scalar(old) == 0
        assert session.scalar(select(func.count()).select_from(AuthProvider)) == 0  # nobody's to see


# --- the second factor --------------------------------------------------------------------------------------------------------------------


def with_second_factor(person: Person) -> str:
    """The user turns it on; what the authenticator of theirs keeps."""
    secret = person.post("/v1/auth/totp").body["secret"]
    assert person.post("/v1/auth/totp/confirm", {"code": pyotp.TOTP(secret).now()}).status == 200
    return str(secret)


@pytest.mark.parametrize("is_linked", [True, False])
def test_a_second_factor_is_asked_for_after_a_provider_too(world: World, surf: NewBrowser, *, is_linked: bool) -> None:
    person = world.person(address())
    account = verified(person.email)
    if is_linked:
        link(surf(account), person.token, "google")
    secret = with_second_factor(person)
    response = surf(account).go(start("google"))
    refused(response, 401, "second_factor_required")
    assert "access_token" not in response.body and "set-cookie" in response.headers
    answered = answer(Client(world), response.body["challenge"], secret)
    assert answered.status == 200
    assert answered.body["user"]["id"] == str(person.user_id)
    with transactions.personal(Caller(NOWHERE, ActorType.USER, person.user_id)) as session:
        assert [begun.methods for begun in session.scalars(select(UserSession)).all()] == [["email"], ["google", "otp", "mfa"]]


def test_a_browser_takes_the_challenge_along_in_the_fragment(world: World, surf: NewBrowser) -> None:
    person = world.person(address())
    secret = with_second_factor(person)
    browser = surf(verified(person.email))
    page = "https://app.parley.test/welcome"
    where = browser.go(start("google", return_to=page)).headers["location"]
    bare, _, challenge = where.partition("#challenge=")
    assert bare == f"{page}?error=second_factor_required"
    assert "__Secure-parley_refresh" not in browser.cookies
    assert answer(Client(world), challenge, secret).status == 200


def answer(client: Client, challenge: str, secret: str) -> Answer:
    """A code of the next step: that of this one was used to turn the factor on."""
    code = pyotp.TOTP(secret).at(int(time.time()) + 30)
    return client.post("/v1/auth/login/second-factor", {"challenge": challenge, "code": code})


def test_an_account_of_a_provider_alone_is_deleted_and_comes_back_as_another(world: World, surf: NewBrowser) -> None:
    account = verified()
    first = surf(account).go(start("google"))
    user_id = UUID(first.body["user"]["id"])
    client = Client(world, first.body["access_token"])
    with transactions.personal(system(NOWHERE), user_id) as session:
        session.execute(update(UserSession).values(created_at=now() - timedelta(minutes=11)))
    stale = client.request("DELETE", "/v1/auth/account", {})
    assert (stale.status, stale.body["code"]) == (403, "log_in_again")
    fresh = Client(world, surf(account).go(start("google")).body["access_token"])
    assert fresh.request("DELETE", "/v1/auth/account", {}).status == 204
    with transactions.personal(system(NOWHERE), user_id) as session:
        assert session.scalars(select(AuthProvider.id)).all() == []
        assert session.scalars(select(User.id)).all() == []
    again = surf(account).go(start("google"))
    assert again.status == 200, again.raw
    assert again.body["user"]["id"] != str(user_id)
