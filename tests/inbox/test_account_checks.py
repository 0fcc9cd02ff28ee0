"""What was proved once is asked for again, and ends: by a person, by the platform's word, or by somebody else's proof."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from local import graph_api
from local.invocation import FunctionFailed
from parley.inbox.declared import InboxDirectory
from parley.inbox.models import ConnectionStatus, PlatformConnection
from parley.kernel.access.callers import system
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import directory, transactions
from parley.kernel.persistence.column_encryption import Sealed
from parley.kernel.persistence.directory import DirectoryEntry
from parley.kernel.values.clock import now
from tests.harness import Member, World
from tests.inbox import whatsapp_bodies
from tests.inbox.conftest import WhatsAppNumber, connect
from tests.inbox.test_account_proof import CONNECTIONS, claim
from tests.kernel.http_receivers import ReceivedRequest, Receiver, Reply, receiver

EXPIRED = Reply(401, b'{"error": {"code": 190}}', {})
NOT_SHOWN = Reply(400, b'{"error": {"code": 100, "error_subcode": 33}}', {})
SILENT = Reply(503, b"", {})


@pytest.fixture
def platform(line: WhatsAppNumber, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """The platform of after a connection was made: it confirms what the emulated one does, unless a test says otherwise."""

    def usual(request: ReceivedRequest) -> Reply:
        number = request.path.rpartition("/")[2].partition("?")[0]
        is_right = request.headers["authorization"] == f"Bearer {graph_api.token(number)}"
        return Reply(200, json.dumps({"id": number}).encode(), {}) if is_right else EXPIRED

    with receiver() as made:
        made.answer = usual
        monkeypatch.setitem(os.environ, "WHATSAPP_API_URL", made.url)
        yield made


def check(line: WhatsAppNumber, *, is_due: bool = True) -> None:
    """The sweep comes when this connection's time has come, and no other's."""
    with transactions.sweep() as session:
        session.execute(
            update(PlatformConnection).values(next_check_at=now() + timedelta(days=1)).where(PlatformConnection.next_check_at <= func.now())
        )
        if is_due:
            session.execute(
                update(PlatformConnection)
                .where(PlatformConnection.id == line.connection_id)
                .values(next_check_at=now() - timedelta(minutes=1))
            )
    line.world.invoke("inbox/sweep_connections", {})


def holder(number: str) -> Any:
    return directory.organization_of(InboxDirectory.WHATSAPP_NUMBER, number)


def is_proven(line: WhatsAppNumber) -> bool:
    entry = select(DirectoryEntry.proven_at).where(DirectoryEntry.kind == InboxDirectory.WHATSAPP_NUMBER, DirectoryEntry.key == line.number)
    with transactions.transaction(line.member.caller) as session:
        return session.scalar(entry) is not None


def actions(line: WhatsAppNumber) -> list[str]:
    entries = select(AuditLog.action).where(AuditLog.entity_id == line.connection_id).order_by(AuditLog.created_at)
    return list(line.member.rows(entries))


def test_a_number_that_is_disconnected_is_free_and_its_history_stays(world: World, line: WhatsAppNumber, globex: Member) -> None:
    line.receive(whatsapp_bodies.text())
    assert [line.member.delete(f"{CONNECTIONS}/{line.connection_id}").status for _ in range(2)] == [204, 204]
    assert line.member.get(f"{CONNECTIONS}/{line.connection_id}").body["status"] == "DISCONNECTED"
    assert holder(line.number) is None and line.counts() == (1, 1)
    assert line.connection().access_token is None
    assert actions(line) == ["connection.created", "connection.deleted"]
    line.receive(whatsapp_bodies.text())
    assert line.counts() == (1, 1)
    connect(world, globex, line.number)
    assert holder(line.number) == globex.organization_id


def test_a_number_that_comes_back_is_the_same_connection(world: World, line: WhatsAppNumber) -> None:
    line.receive(whatsapp_bodies.text())
    assert line.member.delete(f"{CONNECTIONS}/{line.connection_id}").status == 204
    answer = claim(line.member, line.number, graph_api.token(line.number))
    assert (answer.status, answer.body["id"], answer.body["status"]) == (201, str(line.connection_id), "ACTIVE")
    assert answer.body["display_name"] == "Support" and isinstance(line.connection().access_token, Sealed)
    line.receive(whatsapp_bodies.text())
    assert line.counts()[1] == 2


def test_who_may_not_connect_may_not_disconnect(line: WhatsAppNumber, globex: Member) -> None:
    target = f"{CONNECTIONS}/{line.connection_id}"
    assert line.member.as_role("MEMBER").delete(target).status == 403
    assert globex.delete(target).status == 404
    assert line.connection().status is ConnectionStatus.ACTIVE


def test_a_confirmed_number_stays_and_is_asked_again_after_a_day(line: WhatsAppNumber, platform: Receiver) -> None:
    check(line)
    check(line, is_due=False)
    row = line.connection()
    assert len(platform.arrived) == 1 and row.status is ConnectionStatus.ACTIVE and is_proven(line)
    assert row.next_check_at is not None and timedelta(hours=23) < row.next_check_at - now() <= timedelta(days=1)


@pytest.mark.parametrize(("reply", "status"), [(EXPIRED, "EXPIRED"), (NOT_SHOWN, "ERROR")])
def test_a_token_that_is_refused_says_so_at_once_and_ends_when_that_is_certain(
    line: WhatsAppNumber, platform: Receiver, reply: Reply, status: str
) -> None:
    platform.answer = lambda _: reply
    for times in (1, 2):
        check(line)
        shown = line.member.get(f"{CONNECTIONS}/{line.connection_id}").body
        assert (shown["status"], "connect the number again" in shown["error_message"]) == (status, True)
        assert holder(line.number) == line.member.organization_id and not is_proven(line), times
    line.receive(whatsapp_bodies.text())
    assert line.counts() == (1, 1)
    check(line)
    shown = line.member.get(f"{CONNECTIONS}/{line.connection_id}").body
    assert (shown["status"], "no messages arrive" in shown["error_message"]) == (status, True)
    assert holder(line.number) is None and line.connection().access_token is None
    check(line)
    assert len(platform.arrived) == 3


def test_a_slip_of_the_platform_heals(line: WhatsAppNumber, platform: Receiver) -> None:
    usual = platform.answer
    platform.answer = lambda _: NOT_SHOWN
    check(line)
    platform.answer = usual
    check(line)
    row = line.connection()
    assert (row.status, row.error_message, row.refusals) == (ConnectionStatus.ACTIVE, None, 0) and is_proven(line)


def test_a_platform_that_is_away_changes_nothing(line: WhatsAppNumber, platform: Receiver) -> None:
    platform.answer = lambda _: SILENT
    for _ in range(4):
        check(line)
    row = line.connection()
    assert row.status is ConnectionStatus.ACTIVE and is_proven(line) and row.refusals == 0 and row.checked_at is None


def test_another_proof_ends_one_that_the_platform_does_not_confirm_any_more(
    world: World, line: WhatsAppNumber, globex: Member, platform: Receiver
) -> None:
    usual = platform.answer
    assert claim(globex, line.number, graph_api.token(line.number)).body["code"] == "number_taken"
    assert line.connection().next_check_at <= now()  # type: ignore[operator]  # the holder is asked soon
    platform.answer = lambda _: EXPIRED
    world.invoke("inbox/sweep_connections", {})
    platform.answer = usual
    connect(world, globex, line.number)
    shown = line.member.get(f"{CONNECTIONS}/{line.connection_id}").body
    assert (holder(line.number), shown["status"]) == (globex.organization_id, "DISCONNECTED")
    check(line)
    assert line.connection().status is ConnectionStatus.DISCONNECTED


def test_a_proof_does_not_take_a_number_from_whom_the_platform_confirms(
    world: World, line: WhatsAppNumber, globex: Member, platform: Receiver
) -> None:
    for _ in range(3):
        assert claim(globex, line.number, graph_api.token(line.number)).body["code"] == "number_taken"
        world.invoke("inbox/sweep_connections", {})
    assert holder(line.number) == line.member.organization_id
    # Three proofs of the stranger's own, and one question about the holder: wishes alone cause no more.
    assert len(platform.arrived) == 4


def test_a_token_that_was_replaced_meanwhile_is_not_judged_by_the_old_answer(line: WhatsAppNumber, platform: Receiver) -> None:
    usual = platform.answer

    def slow(request: ReceivedRequest) -> Reply:
        platform.answer = usual
        assert line.member.delete(f"{CONNECTIONS}/{line.connection_id}").status == 204
        assert claim(line.member, line.number, graph_api.token(line.number)).status == 201
        return EXPIRED

    platform.answer = slow
    check(line)
    assert line.connection().status is ConnectionStatus.ACTIVE and is_proven(line)


def test_a_token_that_does_not_open_stops_no_other(world: World, line: WhatsAppNumber, globex: Member, platform: Receiver) -> None:
    other = connect(world, globex)
    with transactions.transaction(system(line.member.organization_id)) as session:
        session.execute(
            update(PlatformConnection).where(PlatformConnection.id == line.connection_id).values(access_token=Sealed(b"\1" + b"x" * 60))
        )
    with transactions.sweep() as session:
        session.execute(update(PlatformConnection).values(next_check_at=now() + timedelta(days=1)))
        both = PlatformConnection.id.in_([line.connection_id, other.connection_id])
        session.execute(update(PlatformConnection).where(both).values(next_check_at=now() - timedelta(minutes=1)))
    with pytest.raises(FunctionFailed, match="accounts"):
        world.invoke("inbox/sweep_connections", {})
    assert other.connection().checked_at is not None and line.connection().status is ConnectionStatus.ACTIVE
    assert line.member.get(f"{CONNECTIONS}/{line.connection_id}").status == 200
