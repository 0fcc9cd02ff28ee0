"""A request that comes again, by the front door. That fifty at once are one is shown in tests/stack."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from parley.kernel.persistence import idempotency, transactions
from parley.kernel.persistence.idempotency import IdempotencyRecord
from parley.kernel.values.clock import now
from parley.recordings.models import Meeting, MeetingStatus
from tests.harness import Member

PATH = "/v1/recordings/meetings"
MEETING = {"platform": "YOUTUBE", "url": "https://youtube.com/live/abc", "scheduled_start": "2027-03-01T09:00:00Z"}
KEY = {"idempotency-key": "an order, with spaces"}


def kept(member: Member) -> int:
    return int(member.rows(select(func.count()).select_from(IdempotencyRecord))[0])


def age(member: Member, **by: float) -> None:
    """Let every key of the member's organization be that old."""
    with transactions.transaction(member.caller) as session:
        session.execute(update(IdempotencyRecord).values(created_at=now() - timedelta(**by)))


def test_a_key_is_remembered_for_a_day(acme: Member) -> None:
    first = acme.post(PATH, MEETING, KEY)
    age(acme, hours=23, minutes=59)
    again = acme.post(PATH, MEETING, KEY)
    assert (again.status, again.raw, again.headers["idempotency-replayed"]) == (201, first.raw, "true")
    age(acme, hours=24)
    other = acme.post(PATH, MEETING | {"scheduled_start": "2027-03-02T09:00:00Z"}, KEY)
    assert other.status == 201 and other.body["id"] != first.body["id"]
    assert acme.post(PATH, MEETING | {"scheduled_start": "2027-03-02T09:00:00Z"}, KEY).raw == other.raw
    assert acme.post(PATH, MEETING, KEY).body["code"] == "key_reused"
    assert kept(acme) == 1


def test_the_sweep_forgets_what_is_over(acme: Member) -> None:
    acme.post(PATH, MEETING, KEY)
    age(acme, hours=25)
    with transactions.sweep() as session:
        assert idempotency.forget(session) >= 1
    assert kept(acme) == 0


def test_two_callers_may_choose_the_same_key(acme: Member, globex: Member) -> None:
    answers = [member.post(PATH, MEETING, KEY) for member in (acme, acme.as_role("MEMBER"), globex)]
    assert [answer.status for answer in answers] == [201] * 3
    assert len({answer.body["id"] for answer in answers}) == 3


def test_a_refusal_is_not_remembered(acme: Member) -> None:
    path = f"{PATH}/{acme.post(PATH, MEETING).body['id']}/uploads"
    wanted = {"size_bytes": 5, "content_type": "video/webm"}
    for status, expected in ((MeetingStatus.FAILED, 409), (MeetingStatus.PENDING, 201)):
        with transactions.transaction(acme.caller) as session:
            session.execute(update(Meeting).values(status=status))
        assert acme.post(path, wanted, KEY).status == expected
    assert acme.as_role("VIEWER").post(PATH, MEETING, KEY).status == 403
    assert acme.post(PATH, MEETING | {"url": "x"}, KEY).status == 422
    assert kept(acme) == 1


def test_a_key_is_free_again_when_its_transaction_was_rolled_back(acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise OSError("the machine went away")

    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "keep", broken)
        assert acme.post(PATH, MEETING, KEY).status == 503
    assert (kept(acme), acme.rows(select(Meeting.id))) == (0, [])
    assert acme.post(PATH, MEETING, KEY).status == 201
