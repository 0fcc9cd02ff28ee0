"""An answer that holds a secret, asked for twice: the same once more for who asked first, sealed where it lies, and nobody else's."""

from __future__ import annotations

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from parley.kernel.persistence import column_encryption, transactions
from parley.kernel.persistence.column_encryption import OrganizationKey
from parley.kernel.persistence.idempotency import IdempotencyRecord
from parley.kernel.values.clock import now
from parley.webhooks.models import WebhookSubscription
from tests.harness import Answer, Member
from tests.kernel.postgres_proxy import wired

PATH = "/v1/webhooks/subscriptions"
WANTED: dict[str, Any] = {"name": "Warehouse", "url": "https://8.8.8.8/hook", "events": ["*"]}
KEY = {"idempotency-key": "an order"}


def ask(member: Member, key: dict[str, str] = KEY, **change: Any) -> Answer:
    return member.post(PATH, WANTED | change, key)


def made(member: Member) -> int:
    return len(member.rows(select(WebhookSubscription.id)))


def stored(member: Member) -> list[str]:
    return list(member.rows(select(IdempotencyRecord.body)))


def store(member: Member, **values: Any) -> None:
    with transactions.transaction(member.caller) as session:
        session.execute(update(IdempotencyRecord).values(**values))


def test_the_second_answer_is_the_first_and_lies_sealed(acme: Member) -> None:
    first, again = ask(acme), ask(acme)
    assert (first.status, again.status, again.raw) == (201, 201, first.raw)
    assert (again.headers.get("idempotency-replayed"), first.headers.get("idempotency-replayed")) == ("true", None)
    assert made(acme) == 1
    [body] = stored(acme)
    for part in (first.body["secret"], first.body["id"], "Warehouse"):
        assert part.encode() not in base64.b64decode(body) and part not in body


def test_a_key_is_its_callers_own_and_of_one_request(acme: Member, globex: Member) -> None:
    first, admin = ask(acme), acme.as_role("ADMIN")
    secrets = {first.body["secret"], ask(admin).body["secret"], ask(globex).body["secret"], ask(acme, {}).body["secret"]}
    assert len(secrets) == 4
    reused = ask(acme, name="Another")
    assert (reused.status, reused.body["code"]) == (422, "key_reused")
    assert first.body["secret"] not in reused.raw.decode()
    path = f"{PATH}/{first.body['id']}/rotate-secret"
    assert acme.post(path, {}, KEY).status == 201, "the key of one route is nothing to another"


def test_an_answer_that_was_copied_to_somebody_else_does_not_open(acme: Member) -> None:
    """Whoever can write into the table has not the secrets of others by it."""
    first, admin = ask(acme), acme.as_role("ADMIN")
    assert ask(admin).status == 201
    [body] = acme.rows(select(IdempotencyRecord.body).where(IdempotencyRecord.scope.contains(str(acme.user_id))))
    store(acme, body=body)
    assert ask(acme).raw == first.raw
    refused = ask(admin)
    assert refused.status == 500 and first.body["secret"] not in refused.raw.decode()


@pytest.mark.parametrize(
    "body", ["", "no base64 at all!", "AAAA", base64.b64encode(b"\x02" + bytes(80)).decode(), '{"is_erased":true}', None]
)
def test_an_answer_that_was_damaged_is_a_fault_and_does_nothing_again(acme: Member, body: str | None) -> None:
    ask(acme)
    store(acme, body=body)
    again = ask(acme)
    assert (again.status, again.headers["content-type"], made(acme)) == (500, "application/problem+json", 1)


def test_an_answer_of_a_retired_key_opens_and_of_a_destroyed_one_does_not(acme: Member) -> None:
    first = ask(acme)
    with transactions.transaction(acme.caller) as session:
        session.execute(update(OrganizationKey).values(retired_at=now()))
    assert ask(acme).raw == first.raw
    with transactions.transaction(acme.caller) as session:
        session.execute(delete(OrganizationKey))
    column_encryption._opened.clear()
    assert ask(acme).status == 500 and made(acme) == 1


def test_six_at_once_are_one(acme: Member) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: ask(acme), range(6)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.raw for answer in answers}) == 1 and made(acme) == 1
    assert sum(answer.headers.get("idempotency-replayed") == "true" for answer in answers) == 5


def test_who_never_heard_of_the_commit_hears_of_it_when_asking_again(acme: Member) -> None:
    """The secret is shown once: to who asks, however often the answer is lost on the way."""
    acme.get(PATH)
    with wired() as wire:
        wire.loses, wire.passes = [b"commit"], 1  # the first is of what is counted
        lost = ask(acme)
        assert (lost.status, wire.loses) == (503, []), lost.raw
    again = ask(acme)
    assert (again.status, again.headers["idempotency-replayed"], made(acme)) == (201, "true", 1)
    assert again.body["secret"].startswith("whsec_")


def test_a_refusal_leaves_the_key_free(acme: Member) -> None:
    assert ask(acme, url="ftp://8.8.8.8/").status == 422
    assert ask(acme, events=["nothing"]).status == 422
    assert acme.as_role("MEMBER").post(PATH, WANTED, KEY).status == 403
    assert stored(acme) == []
    assert ask(acme).status == 201


def test_while_the_key_service_is_away_nothing_is_made_and_the_key_stays_free(acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        refused = ask(acme)
        assert (refused.status, refused.body["code"]) == (503, "unavailable") and "retry-after" in refused.headers
    assert (made(acme), stored(acme)) == (0, [])
    assert ask(acme).status == 201


def test_keys_beyond_the_room_for_opened_ones_are_opened_again(acme: Member, globex: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two organizations, and room for one: each keeps its own, whoever's was opened last."""
    monkeypatch.setattr(column_encryption, "_KEPT_KEYS", 1)
    answers = {member.organization_id: ask(member).raw for member in (acme, globex)}
    for member in (acme, globex, globex, acme):
        assert ask(member).raw == answers[member.organization_id]
        assert len(column_encryption._opened) == 1


def test_an_opened_key_is_forgotten_in_time(acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ask(acme)
    assert ask(acme).raw == first.raw
    with transactions.transaction(acme.caller) as session:
        session.execute(delete(OrganizationKey))
    later = time.monotonic() + 301
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert ask(acme).status == 500
