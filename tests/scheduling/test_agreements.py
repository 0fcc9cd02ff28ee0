"""Extra addresses and numbers of workflows agree first: one question each, and nothing else before a yes or after a stop."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from parley.identity.models import Organization
from parley.kernel.access.plans import PlanType
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.values import clock
from parley.kernel.values.ids import new_id
from parley.notifications.enums import NotificationChannel
from parley.notifications.limits import daily_quotas
from tests.harness import Client, World
from tests.scheduling.booking_scenarios import SentMail, at
from tests.scheduling.workflow_scenarios import WORKFLOWS, WorkflowScenario

FORM = {"content-type": "application/x-www-form-urlencoded"}


def address() -> str:
    return f"desk-{new_id().hex}@elsewhere.example"


def mails(world: World, recipient: str) -> list[SentMail]:
    return [SentMail(mail["raw"]) for mail in world.mails() if recipient in str(mail["to"])]


def link_of(text: str) -> str:
    match = re.search(r"/agreements/[\w-]+", text)
    assert match, text
    return match[0]


def decide(world: World, link: str, decision: str) -> Any:
    return Client(world).request("POST", link, f"decision={decision}".encode(), FORM)


def statuses(agency: WorkflowScenario, flow: dict[str, Any]) -> list[str]:
    return [agreement["status"] for agreement in agency.host.get(f"{WORKFLOWS}/{flow['id']}").body["agreements"]]


def test_an_address_gets_one_question_and_nothing_before_it_agrees(agency: WorkflowScenario, world: World) -> None:
    desk, kind = address(), agency.event_type()
    wanted = {"event_type_id": kind["id"], "recipients": [], "addresses": [desk], "body": "Your account is locked: https://evil.example"}
    flow = agency.workflow(**wanted)
    assert flow["agreements"] == [{"address": desk, "status": "PENDING"}]
    agency.workflow(**wanted)
    agency.booked(kind, at("10:00"))
    agency.work()
    (question,) = mails(world, desk)
    assert "evil.example" not in question.text + question.html
    assert set(agency.ended()) == {("ADDRESS", "FAILED", "not_agreed")}

    link = link_of(question.text)
    page = Client(world).get(link)
    assert (page.status, statuses(agency, flow)) == (200, ["PENDING"])  # looking changes nothing
    assert page.headers["referrer-policy"] == "no-referrer" and desk in page.raw.decode()
    assert decide(world, link, "agree").status == 200
    assert statuses(agency, flow) == ["AGREED"]
    agency.booked(kind, at("11:00"))
    agency.work()
    sent = mails(world, desk)[1:]
    assert len(sent) == 2 and all(link in letter.text for letter in sent)  # each with the way out

    assert decide(world, link, "stop").status == 200
    agency.booked(kind, at("12:00"))
    agency.work()
    assert (len(mails(world, desk)), statuses(agency, flow)) == (3, ["STOPPED"])
    (failed, *_) = agency.log(status="FAILED")
    assert agency.host.post(f"/v1/scheduling/notifications/{failed['id']}/resend").status == 202
    agency.work()
    assert len(mails(world, desk)) == 3
    agency.workflow(**wanted)
    agency.work()
    assert len(mails(world, desk)) == 3  # who has stopped is not asked again
    actions = agency.host.rows(select(AuditLog.action).where(AuditLog.action.like("address_agreement.%")).order_by(AuditLog.id))
    assert actions == ["address_agreement.agreed", "address_agreement.stopped"]


def test_a_members_proven_address_needs_none(agency: WorkflowScenario, world: World) -> None:
    colleague, kind = agency.host.as_role("MEMBER"), agency.event_type()
    email = agency.host.get(f"/v1/identity/members/{colleague.user_id}").body["email"]
    flow = agency.workflow(event_type_id=kind["id"], recipients=[], addresses=[email])
    agency.booked(kind, at("10:00"))
    agency.work()
    assert (flow["agreements"], agency.ended()) == ([], [("ADDRESS", "SENT", None)])
    assert agency.host.delete(f"/v1/identity/members/{colleague.user_id}").status == 204
    agency.booked(kind, at("11:00"))
    agency.work()
    assert agency.ended()[-1] == ("ADDRESS", "FAILED", "not_agreed")


def test_numbers_agree_by_a_text_and_a_test_goes_to_none_that_did_not(
    agency: WorkflowScenario, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_CHANNEL", "enabled")
    number, kind = f"+49170{new_id().int % 10**7:07}", agency.event_type()
    flow = agency.workflow(event_type_id=kind["id"], channel="SMS", subject=None, body="x", addresses=[number], recipients=[])
    agency.booked(kind, at("10:00"))
    agency.work()
    refused = agency.host.post(f"{WORKFLOWS}/{flow['id']}/test", {"address": number})
    assert (refused.status, refused.body["code"]) == (409, "address_not_agreed")
    (question,) = [text["text"] for text in world.stack.emulator.texts() if text["to"] == number]
    assert decide(world, link_of(question), "agree").status == 200
    assert agency.host.post(f"{WORKFLOWS}/{flow['id']}/test", {"address": number}).status == 202


def test_one_address_is_asked_by_a_few_organizations_a_day(world: World) -> None:
    desk, wanted = address(), {"name": "x", "trigger": "BOOKING_CREATED", "channel": "EMAIL", "subject": "x", "body": "x"}
    answers = [world.organization("Asking").post(WORKFLOWS, wanted | {"addresses": [desk]}) for _ in range(4)]
    assert [answer.status for answer in answers] == [201, 201, 201, 429]
    assert int(answers[3].headers["retry-after"]) > 3600
    world.pump()
    assert len(mails(world, desk)) == 3


def test_links_that_are_none(agency: WorkflowScenario, world: World) -> None:
    desk = address()
    agency.workflow(addresses=[desk])
    agency.work()
    link = link_of(mails(world, desk)[0].text)
    for wrong in (
        link[:-1],
        f"{link[:-1]}{'A' if link[-1] != 'A' else 'B'}",
        "/agreements/x",
        f"/agreements/{'é' * 87}",
        "/agreements/" + "A" * 87,
    ):
        assert Client(world).get(wrong).status == decide(world, wrong, "agree").status == 404


@pytest.mark.parametrize(
    ("age", "plan", "mails_a_day", "texts"),
    [(0, "FREE", 25, 2), (0, "BUSINESS", 100, 10), (8, "FREE", 200, 10), (40, "BUSINESS", 50_000, 2_000)],
)
def test_the_days_of_a_young_organization_are_short(world: World, age: int, plan: str, mails_a_day: int, texts: int) -> None:
    owner = world.organization("Young", PlanType(plan))
    with transactions.transaction(owner.caller) as session:
        session.execute(
            update(Organization).where(Organization.id == owner.organization_id).values(created_at=clock.now() - timedelta(days=age))
        )
    (organization,) = owner.rows(select(Organization).where(Organization.id == owner.organization_id))
    assert daily_quotas.most(organization, NotificationChannel.EMAIL) == mails_a_day
    assert daily_quotas.most(organization, NotificationChannel.SMS) == texts
