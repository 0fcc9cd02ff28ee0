"""Mails that somebody can have sent to an address that is not theirs: counted by kind, for the address and for who causes them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import update

from parley.identity.models import Organization
from parley.kernel.access.plans import PlanType
from parley.kernel.access.rate_limits import RateLimit
from parley.kernel.persistence import transactions
from parley.kernel.values import clock
from parley.kernel.values.ids import new_id
from parley.notifications.limits import outreach, quotas
from parley.notifications.limits.quotas import A_DAY, MailKind
from tests.harness import Member, World
from tests.identity.registered_users import PASSWORD, ProgramClient, address, person, received_mails

INVITATIONS = "/v1/identity/invitations"


def subjects(world: World, recipient: str) -> Counter[str]:
    return Counter(letter.subject for letter in received_mails(world, recipient))


def test_registrations_by_a_stranger_leave_a_person_their_links_and_resets(world: World) -> None:
    ada, stranger = person(world), ProgramClient(world)
    before = len(received_mails(world, ada.email))
    answers = {stranger.post("/v1/auth/register", {"email": ada.email, "password": PASSWORD, "name": "M"}).status for _ in range(8)}
    assert answers == {202}
    assert len(received_mails(world, ada.email)) - before == A_DAY[MailKind.REGISTRATION] - 1  # one was their own
    for path in ("magic-link", "password-reset"):
        count = len(received_mails(world, ada.email))
        assert ProgramClient(world).post(f"/v1/auth/{path}", {"email": ada.email}).status == 202
        assert len(received_mails(world, ada.email)) == count + 1


@pytest.mark.parametrize(("path", "kind"), [("magic-link", MailKind.MAGIC_LINK), ("password-reset", MailKind.PASSWORD_RESET)])
def test_beyond_its_budget_a_kind_is_answered_alike_and_sends_nothing(world: World, path: str, kind: MailKind) -> None:
    ada = person(world)
    before = len(received_mails(world, ada.email))
    answers = [ProgramClient(world).post(f"/v1/auth/{path}", {"email": ada.email.upper()}) for _ in range(A_DAY[kind] + 3)]
    assert len({(answer.status, answer.raw) for answer in answers}) == 1
    assert len(received_mails(world, ada.email)) - before == A_DAY[kind]


def test_spellings_of_one_mailbox_are_one_address(world: World) -> None:
    name, _, domain = address().partition("@")
    spelled = [f"{name}+{number}@{domain}" for number in range(A_DAY[MailKind.REGISTRATION] + 4)]
    for email in spelled:
        assert ProgramClient(world).post("/v1/auth/register", {"email": email, "password": PASSWORD, "name": "M"}).status == 202
    assert sum(len(received_mails(world, email)) for email in spelled) == A_DAY[MailKind.REGISTRATION]


def test_a_network_that_asks_for_many_is_told_to_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "NETWORK", RateLimit("few_mails_from_network", "mails", 3, 3600))
    stranger = ProgramClient(world)
    answers = [stranger.post("/v1/auth/magic-link", {"email": address()}) for _ in range(4)]
    assert [answer.status for answer in answers] == [202, 202, 202, 429]
    assert int(answers[3].headers["retry-after"]) > 1000
    assert ProgramClient(world).post("/v1/auth/magic-link", {"email": address()}).status == 202


def test_inviting_taking_back_and_inviting_sends_a_few_mails(world: World) -> None:
    owner, victim = world.organization("Nagging"), address()
    answers = []
    for _ in range(A_DAY[MailKind.INVITATION] + 3):
        answers.append(owner.post(INVITATIONS, {"email": victim}))
        if answers[-1].status == 201:
            assert owner.delete(f"{INVITATIONS}/{answers[-1].body['id']}").status == 204
        world.pump()
    assert Counter(answer.status for answer in answers) == {201: A_DAY[MailKind.INVITATION], 429: 3}
    assert answers[-1].body["code"] == "rate_limit_exceeded"
    assert int(answers[-1].headers["retry-after"]) > 3600
    other = world.organization("Other")
    assert other.post(INVITATIONS, {"email": victim}).status == 429  # the mailbox is one, whoever writes
    assert owner.post(INVITATIONS, {"email": address()}).status == 201


@pytest.mark.parametrize("domain", ["people.example", "gmail.com"])
def test_invitations_to_spellings_of_one_mailbox_are_few(world: World, domain: str) -> None:
    owner, name = world.organization("Nagging"), f"victim{new_id().hex}"
    spelled = [f"{name}@{domain}", *(f"{name}+{tag}@{domain}" for tag in range(7))]
    spelled += [f"{name[:index]}.{name[index:]}@{domain}" for index in range(1, 4)] if domain == "gmail.com" else []
    answers = [owner.post(INVITATIONS, {"email": email}).status for email in spelled]
    assert Counter(answers) == {201: A_DAY[MailKind.INVITATION], 429: len(spelled) - A_DAY[MailKind.INVITATION]}


def test_what_is_refused_for_another_reason_is_not_counted(world: World) -> None:
    owner, victim = world.organization("Nagging"), address()
    assert owner.post(INVITATIONS, {"email": victim}).status == 201
    assert {owner.post(INVITATIONS, {"email": victim}).body["code"] for _ in range(10)} == {"already_invited"}
    other = world.organization("Other")
    assert other.post(INVITATIONS, {"email": victim}).status == 201


def small(world: World, plan: PlanType = PlanType.BUSINESS) -> Member:
    """A new organization as anybody can have one, with seats enough."""
    owner = world.organization("Small", plan)
    change(owner, seat_limit=1000)
    return owner


def change(owner: Member, **values: object) -> None:
    with transactions.transaction(owner.caller) as session:
        session.execute(update(Organization).where(Organization.id == owner.organization_id).values(**values))


@pytest.mark.parametrize(("age", "plan", "step"), [(0, "FREE", 0), (0, "BUSINESS", 1), (2, "FREE", 1), (8, "PRO", 3), (31, "PRO", 4)])
def test_a_new_organization_writes_to_few_people(world: World, age: int, plan: str, step: int) -> None:
    owner = small(world, PlanType(plan))
    change(owner, created_at=clock.now() - timedelta(days=age))
    most = outreach.STEPS[step]
    answers = [owner.post(INVITATIONS, {"email": address()}).status for _ in range(min(most + 1, 60))]
    assert answers == [201] * most + [429] if most < 60 else [201] * 60


def test_many_new_organizations_of_a_person_are_no_more_than_one(world: World) -> None:
    owner = small(world)
    most = outreach.STEPS[1]
    assert {owner.post(INVITATIONS, {"email": address()}).status for _ in range(most)} == {201}
    made = owner.post("/v1/identity/organizations", {"name": "Second", "slug": f"second-{owner.organization_id.hex}"})
    second = world.member(made.body["id"], owner.user_id, "OWNER")
    change(second, seat_limit=1000, plan=PlanType.BUSINESS)
    assert second.post(INVITATIONS, {"email": address()}).status == 429
