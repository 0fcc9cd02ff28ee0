"""A number is whose token the platform confirms, whoever names it first."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from local import graph_api
from parley.inbox.declared import InboxDirectory
from parley.inbox.models import ConnectionStatus, PlatformConnection
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import directory, transactions
from tests.harness import Answer, Member, World
from tests.inbox import whatsapp_bodies
from tests.inbox.conftest import WhatsAppNumber, connect
from tests.kernel.http_receivers import ReceivedRequest, Receiver, Reply, receiver
from tests.stack.load_scenarios import at_once

CONNECTIONS = "/v1/inbox/connections"


def claim(member: Member, number: str, token: str, **headers: str) -> Answer:
    return member.post(CONNECTIONS, {"platform": "WHATSAPP", "phone_number_id": number, "access_token": token}, headers)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A platform that answers as a test wants."""
    with receiver() as made:
        monkeypatch.setitem(os.environ, "WHATSAPP_API_URL", made.url)
        yield made


def test_an_invented_token_connects_nothing_and_stands_in_nobodys_way(acme: Member, globex: Member) -> None:
    number = whatsapp_bodies.number()
    for invented in ("x" * 20, "EAA" + "x" * 64, graph_api.token(whatsapp_bodies.number())):
        answer = claim(acme, number, invented)
        assert (answer.status, answer.body["code"]) == (422, "token_not_confirmed")
    assert acme.get(CONNECTIONS).body["items"] == []
    assert directory.organization_of(InboxDirectory.WHATSAPP_NUMBER, number) is None
    assert claim(globex, number, graph_api.token(number)).status == 201


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, b'{"error": {"code": 100, "type": "GraphMethodException", "error_subcode": 33}}', 422),
        (401, b'{"error": {"code": 190}}', 422),
        (403, b'{"error": {"code": 10}}', 422),
        (404, b"", 422),
        (200, b'{"id": "another"}', 422),
        (200, b"[]", 422),
        (200, b"not JSON", 422),
        (200, b'{"id": 1}', 422),
        (200, b"[" * 60_000, 422),
        (401, b'{"error": {"code": [190]}}', 422),
        (401, b'{"error": {"code": {}, "is_transient": []}}', 422),
        (401, b'{"error": ["code", 4]}', 422),
        (401, b'{"error": {"code": ' + b"9" * 6000 + b"}}", 422),
        (403, b"\xff\xfe", 422),
        (400, b'{"error": {"code": 4}}', 503),
        (400, b'{"error": {"code": 190, "is_transient": true}}', 503),
        (429, b"{}", 503),
        (500, b'{"error": {"code": 1}}', 503),
        (302, b"", 503),
        (200, b'{"id": "' + b"1" * 100_000 + b'"}', 503),
    ],
)
def test_whatever_the_platform_answers_is_a_yes_a_no_or_nothing(
    acme: Member, platform: Receiver, status: int, body: bytes, expected: int
) -> None:
    platform.answer = lambda _: Reply(status, body, {"location": "https://elsewhere.example/"} if status == 302 else {})
    answer = claim(acme, whatsapp_bodies.number(), "EAA" + "x" * 40)
    assert answer.status == expected, answer.raw
    assert (answer.headers.get("retry-after") == "10") is (expected == 503)
    assert acme.get(CONNECTIONS).body["items"] == []
    assert len(platform.arrived) == 1
    assert platform.arrived[0].headers["authorization"] == "Bearer EAA" + "x" * 40


def test_a_platform_that_is_away_stores_nothing(acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "WHATSAPP_API_URL", "http://127.0.0.1:9")
    answer = claim(acme, whatsapp_bodies.number(), "EAA" + "x" * 40)
    assert (answer.status, answer.body["code"]) == (503, "platform_unavailable")


def test_nobody_is_asked_for_who_may_not_connect(acme: Member, platform: Receiver) -> None:
    assert claim(acme.as_role("MEMBER"), whatsapp_bodies.number(), "EAA" + "x" * 40).status == 403
    removed = acme.as_role("ADMIN")
    assert acme.delete(f"/v1/identity/members/{removed.user_id}").status == 204
    assert claim(removed, whatsapp_bodies.number(), "EAA" + "x" * 40).status == 403
    assert platform.arrived == []


def unprove(world: World, number: str) -> None:
    """As what was connected before proofs were asked for."""
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run("UPDATE directory_entries SET proven_at = NULL WHERE key = :number", number=number)


def test_a_proven_claim_ends_an_unproven_one(world: World, line: WhatsAppNumber, globex: Member) -> None:
    unprove(world, line.number)
    proven = connect(world, globex, line.number)
    assert directory.organization_of(InboxDirectory.WHATSAPP_NUMBER, line.number) == globex.organization_id
    superseded = line.member.get(f"{CONNECTIONS}/{line.connection_id}").body
    assert superseded["status"] == "DISCONNECTED" and "access token of yours" in superseded["error_message"]
    proven.receive(whatsapp_bodies.text())
    assert (line.counts(), proven.counts()) == ((0, 0), (1, 1))
    updated = select(AuditLog.new_values).where(AuditLog.action == "connection.updated", AuditLog.entity_id == line.connection_id)
    assert line.member.rows(updated) == [{"status": "DISCONNECTED"}]
    assert claim(line.member, line.number, graph_api.token(line.number)).body["code"] == "number_taken"


def test_ones_own_unproven_claim_becomes_a_proven_one(world: World, line: WhatsAppNumber) -> None:
    unprove(world, line.number)
    answer = claim(line.member, line.number, graph_api.token(line.number))
    assert (answer.status, answer.body["id"]) == (201, str(line.connection_id))
    assert claim(line.member, line.number, graph_api.token(line.number)).body["code"] == "number_taken"
    [row] = line.member.rows(select(PlatformConnection))
    assert row.status is ConnectionStatus.ACTIVE
    with transactions.transaction(line.member.caller) as session:
        proven = text("SELECT proven_at IS NOT NULL FROM directory_entries WHERE key = :number")
        assert session.scalar(proven, {"number": line.number}) is True


def test_a_request_that_comes_again_is_answered_as_before(acme: Member) -> None:
    number = whatsapp_bodies.number()
    first = claim(acme, number, graph_api.token(number), **{"idempotency-key": "one"})
    again = claim(acme, number, graph_api.token(number), **{"idempotency-key": "one"})
    assert (first.status, again.status, again.body) == (201, 201, first.body)


@pytest.mark.parametrize("has_unproven", [False, True])
def test_of_two_who_prove_a_number_at_once_one_has_it(world: World, line: WhatsAppNumber, globex: Member, has_unproven: bool) -> None:
    initech = world.organization("Initech")
    number = line.number if has_unproven else whatsapp_bodies.number()
    if has_unproven:
        unprove(world, number)
    claims = [lambda who=who: claim(who, number, graph_api.token(number)) for who in (globex, initech, globex, initech)]
    answers = at_once(claims)
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409], [answer.raw for answer in answers]
    owner = directory.organization_of(InboxDirectory.WHATSAPP_NUMBER, number)
    having = [who for who in (globex, initech) if who.rows(select(PlatformConnection).where(PlatformConnection.platform_user_id == number))]
    assert [who.organization_id for who in having] == [owner]


def test_nothing_is_locked_while_the_platform_thinks(world: World, acme: Member, platform: Receiver) -> None:
    number, seen = whatsapp_bodies.number(), []

    def slow(_: ReceivedRequest) -> Reply:
        with world.stack.postgres.superuser("parley") as superuser:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE '%admit%'"
            seen.append(superuser.run(waiting)[0][0])
        seen.append(acme.patch("/v1/identity/organization", {"name": "Renamed meanwhile"}).status)
        return Reply(200, b'{"id": "' + number.encode() + b'"}')

    platform.answer = slow
    assert claim(acme, number, "EAA" + "x" * 40).status == 201
    assert seen == [0, 200]
