"""Logging in: what a stranger learns (nothing), and how guessing slows down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, select, text

from local.client import Answer
from parley.identity.accounts import passwords
from parley.identity.log_in import brute_force_throttle
from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from tests.harness import Member, World
from tests.identity.registered_users import PASSWORD, ProgramClient, address, person, received_mails
from tests.identity.test_sessions import join
from tests.kernel.postgres_proxy import PostgresProxy, wired

WRONG = "not the password at all"


@pytest.fixture(scope="module")
def wire(world: World) -> Iterator[PostgresProxy]:
    with wired() as made:
        yield made


def attempt(world: World, email: str, password: str = WRONG, who: ProgramClient | None = None) -> Answer:
    return (who or ProgramClient(world)).post("/v1/auth/login", {"email": email, "password": password})


def later(seconds: float) -> None:
    """Time passes for everybody who has to wait."""
    with transactions.sweep() as session:
        moved = "UPDATE sign_in_throttles SET blocked_until = blocked_until - make_interval(secs => :s)"
        session.execute(text(moved), {"s": seconds})


def test_address_and_password_open_a_session(world: World) -> None:
    ada = person(world)
    answer = attempt(world, f" {ada.email.upper()} ", PASSWORD)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.body["token_type"] == "Bearer"


def test_an_unknown_address_is_answered_with_the_same_work(world: World, wire: PostgresProxy) -> None:
    ada, nobody = person(world), address()
    statements: list[str] = []
    verified: list[bool] = []
    matches = passwords.matches

    def noted(kept: str | None, password: str) -> bool:
        verified.append(kept is not None)
        return matches(kept, password)

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(" ".join(statement.split())[:60])

    seen = []
    event.listen(transactions.engine(), "before_cursor_execute", count)
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(passwords, "matches", noted)
            for email in (ada.email, nobody):
                statements.clear()
                trips = wire.round_trips
                answer = attempt(world, email)
                headers = {name: value for name, value in answer.headers.items() if name != "apigw-requestid"}
                seen.append((answer.status, answer.raw, headers, wire.round_trips - trips, [sql.split("'")[0] for sql in statements]))
    finally:
        event.remove(transactions.engine(), "before_cursor_execute", count)
    known_result, unknown = seen
    assert known_result == unknown
    assert known_result[0] == 401
    assert verified == [True, False]


def test_asking_for_links_is_answered_with_the_same_work(world: World, wire: PostgresProxy) -> None:
    ada = person(world)
    for path in ("/v1/auth/magic-link", "/v1/auth/password-reset", "/v1/auth/register"):
        costs = []
        for email in (ada.email, address()):
            trips = wire.round_trips
            answer = ProgramClient(world).post(path, {"email": email} | ({"password": PASSWORD} if path.endswith("register") else {}))
            costs.append((answer.status, answer.raw, wire.round_trips - trips))
        assert costs[0] == costs[1]
        assert costs[0][0] == 202


def test_failures_slow_down_for_known_and_unknown_addresses_alike(world: World) -> None:
    ada = person(world)
    for email in (ada.email, address()):
        stranger = ProgramClient(world)
        answers = [attempt(world, email, who=stranger) for _ in range(7)]
        assert [answer.status for answer in answers] == [401] * 5 + [429] * 2
        assert (answers[5].body["code"], answers[5].headers["retry-after"]) == ("too_many_attempts", "1")
        waits = []
        for _ in range(4):
            later(1000)
            assert attempt(world, email, who=stranger).status == 401
            waits.append(int(attempt(world, email, who=stranger).headers["retry-after"]))
        assert waits == [2, 4, 8, 16]
    later(1000)
    own = ProgramClient(world)
    assert attempt(world, ada.email, PASSWORD, own).status == 200
    assert [attempt(world, ada.email, who=own).status for _ in range(5)] == [401] * 5


def test_the_right_password_waits_like_a_wrong_one(world: World) -> None:
    ada = person(world)
    stranger = ProgramClient(world)
    for _ in range(5):
        attempt(world, ada.email, who=stranger)
    assert attempt(world, ada.email, PASSWORD, stranger).status == 429
    assert ProgramClient(world).post("/v1/auth/magic-link", {"email": ada.email}).status == 202  # nobody is kept out by others' guesses
    assert ProgramClient(world).post("/v1/auth/magic-link/redeem", {"token": received_mails(world, ada.email)[-1].token}).status == 200


def test_twenty_guesses_at_once_are_five(world: World) -> None:
    ada = person(world)
    stranger = ProgramClient(world)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: attempt(world, ada.email, f"{WRONG} {n}", stranger), range(20)))
    assert Counter(answer.status for answer in answers) == {401: 5, 429: 15}


def test_a_network_address_may_fail_often_and_not_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        brute_force_throttle, "_OF_STRANGER", brute_force_throttle._OF_STRANGER.replace(str(brute_force_throttle.NETWORK[0]), "4")
    )
    monkeypatch.setattr(passwords, "matches", lambda *_: False)
    guesser = ProgramClient(world)
    statuses = [guesser.post("/v1/auth/login", {"email": address(), "password": WRONG}).status for _ in range(6)]
    assert statuses == [401] * 4 + [429] * 2


def test_neighbours_in_an_ipv6_network_are_one() -> None:
    assert brute_force_throttle._network("2001:db8::1") == brute_force_throttle._network("2001:db8::ffff:1")
    assert brute_force_throttle._network("2001:db8::1") != brute_force_throttle._network("2001:db8:0:1::1")
    assert brute_force_throttle._network(None)


def test_failures_are_audited_where_they_belong_and_without_the_address(world: World, acme: Member) -> None:
    ada, nobody = person(world), address()
    join(acme, ada)
    attempt(world, ada.email)
    attempt(world, nobody)
    (row,) = acme.rows(select(AuditLog).where(AuditLog.action == "user.login_failed"))
    assert (str(row.entity_id), row.actor_id, row.details) == (ada.tokens["user"]["id"], None, {"method": "pwd"})
    with transactions.transaction(system(NOWHERE)) as session:
        last = session.scalars(select(AuditLog).where(AuditLog.action == "user.login_failed").order_by(AuditLog.id.desc())).first()
        assert last is not None
        assert last.entity_id is None
        everything = str([vars(entry) for entry in session.scalars(select(AuditLog)).all()])
    assert nobody not in everything
    assert ada.email not in everything


def test_many_failures_in_a_row_are_audited_as_such(world: World, acme: Member) -> None:
    ada = person(world)
    join(acme, ada)
    stranger = ProgramClient(world)
    for _ in range(brute_force_throttle.FREE_FAILURES + 2):
        attempt(world, ada.email, who=stranger)
    rows = acme.rows(select(AuditLog).where(AuditLog.action == "security.suspicious_activity_seen"))
    assert [row.details for row in rows] == [{"reason": "repeated_login_failures", "failures": brute_force_throttle.FREE_FAILURES}]
    assert len(acme.rows(select(AuditLog).where(AuditLog.action == "user.login_failed"))) == brute_force_throttle.FREE_FAILURES


@pytest.mark.parametrize("status", ["SUSPENDED", "INACTIVE"])
def test_who_is_not_active_is_nobody(world: World, status: str) -> None:
    ada = person(world)
    with transactions.personal(system(NOWHERE), ada.tokens["user"]["id"]) as session:
        session.execute(text("UPDATE users SET status = CAST(:s AS user_status)"), {"s": status})
    refused = attempt(world, ada.email, PASSWORD)
    assert (refused.status, refused.body["code"]) == (401, "invalid_credentials")
    assert ProgramClient(world).post("/v1/auth/refresh", {"refresh_token": ada.refresh_token}).body["code"] == "session_ended"
    assert ada.get("/v1/identity/me").status == 401
    ProgramClient(world).post("/v1/auth/magic-link", {"email": ada.email})
    assert ProgramClient(world).post("/v1/auth/magic-link/redeem", {"token": received_mails(world, ada.email)[-1].token}).status == 410
