"""Invitations: the mail, its link, and who may use it."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from parley.identity.members import invitations
from parley.identity.models import Invitation, OrganizationMember, TeamMember
from parley.kernel.access.plans import PlanType
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from tests.harness import Answer, Client, Member, World

INVITATIONS, AUTH = "/v1/identity/invitations", "/v1/auth/invitations"


def address() -> str:
    return f"{new_id()}@invited.test"


def invited(by: Member, email: str, **terms: Any) -> str:
    """An invitation's id."""
    answer = by.post(INVITATIONS, {"email": email} | terms)
    assert answer.status == 201, answer.raw
    return str(answer.body["id"])


def mails_to(world: World, email: str) -> list[Any]:
    world.pump()
    raw = [mail["raw"] for mail in world.mails() if email in mail["to"]]
    return [message_from_bytes(content.encode() if isinstance(content, str) else content, policy=policy.default) for content in raw]


def tokens(world: World, email: str) -> list[str]:
    """Of the links in the mails to an address, in the order of sending."""
    bodies = [mail.get_body(("plain",)).get_content() for mail in mails_to(world, email)]
    return [re.search(r"/invitations/(\S+)", body)[1] for body in bodies if "/invitations/" in body]  # type: ignore[index]


def invite(by: Member, email: str, **terms: Any) -> str:
    """The token that an invited address gets."""
    invited(by, email, **terms)
    return tokens(by.world, email)[-1]


def accept(who: Client, token: str) -> Answer:
    return who.post(f"{AUTH}/accept", {"token": token})


def lapse(organization: Member) -> None:
    """Eight days go by."""
    with transactions.transaction(organization.caller) as session:
        session.execute(update(Invitation).values(expires_at=Invitation.expires_at - timedelta(days=8)))


def statuses(member: Member, **query: Any) -> list[str]:
    return [item["status"] for item in member.get(INVITATIONS, **query).body["items"]]


def test_an_invitation_comes_by_mail_and_is_accepted(world: World, acme: Member) -> None:
    person = world.person(address())
    answer = acme.post(INVITATIONS, {"email": person.email, "role": "ADMIN"}, {"idempotency-key": "i"})
    assert answer.status == 201
    assert answer.body | {"id": 0, "created_at": 0, "expires_at": 0} == {
        "id": 0, "email": person.email, "role": "ADMIN", "status": "PENDING", "team_id": None, "invited_by": str(acme.user_id),
        "created_at": 0, "expires_at": 0, "accepted_at": None,
    }  # fmt: skip
    assert acme.post(INVITATIONS, {"email": person.email, "role": "ADMIN"}, {"idempotency-key": "i"}).body == answer.body
    [mail] = mails_to(world, person.email)
    assert mail["subject"] == "You are invited to Acme at Parley"
    assert "Owner of Acme invites you to Acme, as ADMIN." in mail.get_body(("plain",)).get_content()
    [token] = tokens(world, person.email)
    shown = Client(world).post(f"{AUTH}/show", {"token": token})
    assert shown.status == 200
    assert shown.body | {"expires_at": 0} == {
        "organization_name": "Acme", "organization_logo_url": None, "team_name": None, "role": "ADMIN", "inviter_name": "Owner of Acme",
        "email": person.email, "expires_at": 0,
    }  # fmt: skip
    joined = accept(person, token)
    assert joined.status == 200
    assert (joined.body["organization_id"], joined.body["role"]) == (str(acme.organization_id), "ADMIN")
    assert person.at(acme.organization_id, "ADMIN").get("/v1/identity/me").status == 200
    assert statuses(acme, status="ACCEPTED") == statuses(acme) == ["ACCEPTED"]
    actions = acme.rows(select(AuditLog.action).where(AuditLog.actor_id == person.user_id))
    assert sorted(actions) == ["invitation.accepted", "member.joined"]
    again = accept(person, token)
    assert (again.status, again.body["code"]) == (409, "already_member")
    response = Client(world).post(f"{AUTH}/show", {"token": token})
    assert (response.status, response.body["code"]) == (410, "invitation_not_valid")


def test_no_token_and_no_address_where_they_do_not_belong(world: World, acme: Member) -> None:
    email = address()
    answer = acme.post(INVITATIONS, {"email": email}, {"idempotency-key": "secret"})
    waiting = str(acme.rows(select(OutboxEvent.payload)))
    token = tokens(world, email)[0]
    [row] = acme.rows(select(Invitation))
    seen = [answer.raw.decode(), waiting, repr(row), row.token_hash, acme.get(INVITATIONS).raw.decode()]
    seen.append(str([(entry.details, entry.new_values, entry.old_values) for entry in acme.rows(select(AuditLog))]))
    assert not [text for text in seen if token in text or token[22:] in text]
    assert email not in waiting + seen[-1]


def test_an_event_that_comes_twice_sends_one_mail(world: World, acme: Member) -> None:
    email = address()
    invitation_id = invited(acme, email)
    world.pump()
    with transactions.transaction(acme.caller) as session:
        session.add(OutboxEvent(name="identity.invitation_created", payload={"invitation_id": invitation_id}))
    assert len(mails_to(world, email)) == 1


@pytest.mark.parametrize("same", [str.upper, str.title])
def test_the_accepting_account_owns_the_address(world: World, acme: Member, same: Any) -> None:
    person, other = world.person(address()), world.person()
    token = invite(acme, same(person.email))
    refused = accept(other, token)
    assert (refused.status, refused.body["code"]) == (403, "invited_somebody_else")
    assert "another address" in refused.body["detail"]
    assert accept(Client(world), token).status == 401
    assert accept(person, token).status == 200
    again = accept(other, token)
    assert again.status == 403
    assert len(acme.rows(select(OrganizationMember))) == 2


def test_an_address_that_is_not_verified_proves_nothing(world: World, acme: Member) -> None:
    person = world.person(address(), is_verified=False)
    refused = accept(person, invite(acme, person.email))
    assert (refused.status, refused.body["code"]) == (403, "invited_somebody_else")


def test_a_member_of_another_organization_accepts_and_is_in_both(acme: Member, globex: Member) -> None:
    token = invite(acme, f"{globex.user_id}@globex.test")
    assert accept(globex, token).status == 200
    assert {item["name"] for item in globex.get("/v1/identity/organizations").body["items"]} == {"Acme", "Globex"}


def test_declined_is_declined(world: World, acme: Member, stranger: Client) -> None:
    person = world.person(address())
    token = invite(acme, person.email)
    answer = stranger.post(f"{AUTH}/decline", {"token": token})
    assert (answer.status, answer.raw) == (204, b"")
    assert statuses(acme, status="DECLINED") == ["DECLINED"]
    for refused in (stranger.post(f"{AUTH}/decline", {"token": token}), accept(person, token)):
        assert (refused.status, refused.body["code"]) == (410, "invitation_not_valid")
    assert "declined" in accept(person, token).body["detail"]
    invited(acme, person.email)  # the place is free again


def test_the_page_of_the_link_shows_and_declines(world: World, acme: Member, stranger: Client) -> None:
    acme.patch("/v1/identity/organization", {"name": "<b>Acme</b>"})
    token = invite(acme, address())
    page = stranger.get(f"/invitations/{token}")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    html = page.raw.decode()
    assert "&lt;b&gt;Acme&lt;/b&gt;" in html
    assert "<b>" not in html
    assert (page.headers["referrer-policy"], page.headers["x-frame-options"]) == ("no-referrer", "DENY")
    assert statuses(acme) == ["PENDING"]
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert stranger.request("POST", f"/invitations/{token}", b"", form).status == 200
    assert statuses(acme) == ["DECLINED"]
    response = stranger.get(f"/invitations/{token}")
    assert (response.status, response.headers["content-type"]) == (410, "text/html; charset=utf-8")


def test_time_is_over_after_seven_days(world: World, acme: Member, stranger: Client) -> None:
    person = world.person(address())
    token = invite(acme, person.email)
    lapse(acme)
    assert (statuses(acme), statuses(acme, status="EXPIRED"), statuses(acme, status="PENDING")) == (["EXPIRED"], ["EXPIRED"], [])
    for refused in (
        accept(person, token),
        stranger.post(f"{AUTH}/show", {"token": token}),
        stranger.post(f"{AUTH}/decline", {"token": token}),
    ):
        assert (refused.status, refused.body["code"]) == (410, "invitation_not_valid")
    invited(acme, person.email)
    assert statuses(acme) == ["PENDING", "EXPIRED"]


def test_one_pending_for_an_address_and_a_place(acme: Member) -> None:
    email = address()
    teams = [acme.post("/v1/identity/teams", {"name": "T", "slug": f"t{n}"}).body["id"] for n in range(2)]
    for team_fields in ({}, *({"team_id": team} for team in teams)):
        invited(acme, email, **team_fields)
        refused = acme.post(INVITATIONS, {"email": email.upper()} | team_fields)
        assert (refused.status, refused.body["code"]) == (409, "already_invited")
    assert acme.get("/v1/identity/organization/limits").body["seats"]["used"] == 2  # one address, one seat


def test_a_member_is_not_invited_again(acme: Member) -> None:
    for email in (f"{acme.user_id}@acme.test", f"{acme.user_id}@ACME.test"):
        refused = acme.post(INVITATIONS, {"email": email})
        assert (refused.status, refused.body["code"]) == (409, "already_member")


def test_an_invitation_to_a_team_brings_newcomers_and_members(world: World, acme: Member) -> None:
    team = acme.post("/v1/identity/teams", {"name": "Rockets", "slug": "rockets"}).body["id"]
    newcomer = world.person(address())
    token = invite(acme, newcomer.email, team_id=team, role="VIEWER")
    assert Client(world).post(f"{AUTH}/show", {"token": token}).body["team_name"] == "Rockets"
    joined = accept(newcomer, token)
    assert (joined.status, joined.body["role"], joined.body["team_id"]) == (200, "VIEWER", team)
    token = invite(acme, f"{acme.user_id}@acme.test", team_id=team, role="MEMBER")
    joined = accept(acme, token)
    assert (joined.status, joined.body["role"]) == (200, "OWNER")
    assert accept(acme, token).body["code"] == "invitation_not_valid"
    places = {row.user_id: row.role for row in acme.rows(select(TeamMember))}
    assert places == {newcomer.user_id: "VIEWER", acme.user_id: "MEMBER"}
    refused = acme.post(INVITATIONS, {"email": address(), "team_id": str(new_id())})
    assert (refused.status, refused.body["code"]) == (404, "no_such_team")


def test_with_its_team_an_invitation_is_over(world: World, acme: Member) -> None:
    team = acme.post("/v1/identity/teams", {"name": "Rockets", "slug": "rockets"}).body["id"]
    person = world.person(address())
    token = invite(acme, person.email, team_id=team)
    acme.delete(f"/v1/identity/teams/{team}")
    assert accept(person, token).status == 410
    assert statuses(acme) == ["EXPIRED"]


def test_nobody_invites_above_their_own_role_or_an_owner(acme: Member) -> None:
    admin = acme.as_role("ADMIN")
    refused = admin.post(INVITATIONS, {"email": address(), "role": "OWNER"})
    assert (refused.status, refused.body["code"]) == (403, "role_above_yours")
    refused = acme.post(INVITATIONS, {"email": address(), "role": "OWNER"})
    assert (refused.status, refused.body["code"]) == (409, "owner_by_transfer_only")
    assert admin.post(INVITATIONS, {"email": address(), "role": "ADMIN"}).status == 201
    for role in ("MEMBER", "VIEWER"):
        colleague = acme.as_role(role)
        assert colleague.get(INVITATIONS).body["scope"] == "invitations:read"
        assert colleague.post(INVITATIONS, {"email": address()}).body["scope"] == "invitations:write"


def test_sent_again_the_old_link_is_dead(world: World, acme: Member) -> None:
    person = world.person(address())
    invitation_id = invited(acme, person.email)
    [first] = tokens(world, person.email)
    lapse(acme)
    again = acme.post(f"{INVITATIONS}/{invitation_id}/resend")
    assert (again.status, again.body["status"]) == (200, "PENDING")
    second = tokens(world, person.email)[-1]
    assert first != second
    assert accept(person, first).status == 410
    assert accept(person, second).status == 200
    refused = acme.post(f"{INVITATIONS}/{invitation_id}/resend")
    assert (refused.status, refused.body["code"]) == (409, "not_pending")


def test_sent_again_at_most_once_a_minute(world: World, acme: Member) -> None:
    email = address()
    resend = f"{INVITATIONS}/{invited(acme, email)}/resend"
    answers = [acme.post(resend) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 429, 429]
    assert answers[1].body["code"] == "sent_just_now"
    assert 1 <= int(answers[1].headers["retry-after"]) <= 60
    with transactions.transaction(acme.caller) as session:
        session.execute(update(Invitation).values(expires_at=Invitation.expires_at - invitations.PAUSE))
    assert [acme.post(resend).status for _ in range(2)] == [200, 429]
    assert len(tokens(world, email)) == 1  # the link of the last one alone: the others were dead before their mails were written


def test_taken_back_it_shows_as_expired_and_its_seat_is_free(world: World) -> None:
    owner = world.organization("Hooli", PlanType.PRO)
    person = world.person(address())
    token = invite(owner, person.email)
    invited(owner, address())
    full = owner.post(INVITATIONS, {"email": address()})
    assert (full.status, full.body["code"], full.body["limit"]) == (402, "plan_limit", "seats")
    [_, first] = [item["id"] for item in owner.get(INVITATIONS).body["items"]]
    assert [owner.delete(f"{INVITATIONS}/{first}").status for _ in range(2)] == [204, 204]
    assert owner.get(f"{INVITATIONS}/{first}").body["status"] == "EXPIRED"
    assert accept(person, token).status == 410
    assert owner.post(f"{INVITATIONS}/{first}/resend").body["code"] == "not_pending"
    invited(owner, address())
    assert len(owner.rows(select(AuditLog).where(AuditLog.action == "invitation.revoked"))) == 1
    accepted = world.person(address())
    lapse(owner)
    accept(accepted, invite(owner, accepted.email))
    [done] = [item["id"] for item in owner.get(INVITATIONS, status="ACCEPTED").body["items"]]
    assert owner.delete(f"{INVITATIONS}/{done}").body["code"] == "not_pending"


def test_seats_are_counted_at_invitation_and_at_acceptance(world: World) -> None:
    alone = world.organization("Hooli", PlanType.FREE)
    assert alone.post(INVITATIONS, {"email": address()}).status == 402
    world.give_plan(alone.organization_id, "PRO")
    people = [world.person(address()) for _ in range(2)]
    links = [invite(alone, person.email) for person in people]
    assert alone.get("/v1/identity/organization/limits").body["seats"] == {"used": 3, "limit": 3}
    assert alone.put("/v1/identity/organization/plan", {"plan": "FREE"}).body["code"] == "too_many_seats_taken"
    assert [accept(person, link).status for person, link in zip(people, links, strict=True)] == [200, 200]
    assert alone.get("/v1/identity/organization/limits").body["seats"] == {"used": 3, "limit": 3}


def test_an_expired_invitation_that_is_sent_again_needs_a_seat_again(world: World) -> None:
    owner = world.organization("Hooli", PlanType.PRO)
    first = invited(owner, address())
    lapse(owner)
    for _ in range(2):
        invited(owner, address())
    assert owner.post(f"{INVITATIONS}/{first}/resend").status == 402


def test_the_invitations_of_a_deleted_organization_open_nothing(world: World, acme: Member, stranger: Client) -> None:
    person = world.person(address())
    token = invite(acme, person.email)
    acme.delete("/v1/identity/organization")
    for refused in (
        accept(person, token),
        stranger.post(f"{AUTH}/show", {"token": token}),
        stranger.post(f"{AUTH}/decline", {"token": token}),
    ):
        assert (refused.status, refused.body["code"]) == (410, "invitation_not_valid")


def test_tokens_that_are_none(world: World, acme: Member, globex: Member, stranger: Client) -> None:
    person = world.person(address())
    token = invite(acme, person.email)
    other = invite(globex, person.email)
    forged = [
        "x",
        "x" * 65,
        token[:-1],
        token + "A",
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        other[:22] + token[22:],
        "é" * 65,
        "=" * 65,
    ]
    for bad_token in forged:
        for refused in (
            accept(person, bad_token),
            stranger.post(f"{AUTH}/show", {"token": bad_token}),
            stranger.post(f"{AUTH}/decline", {"token": bad_token}),
        ):
            assert (refused.status, refused.body["code"]) == (410, "invitation_not_valid"), bad_token
    for value in (None, 5, "", "x" * 201, ["x"]):
        assert stranger.post(f"{AUTH}/show", {"token": value}).status == 422


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b", "a b@c.test", "a@c.test\nBcc: x@y.test", "ä@c.test", "a" * 250 + "@c.test", None, 5]
)
def test_addresses_that_are_none(acme: Member, email: Any) -> None:
    assert acme.post(INVITATIONS, {"email": email}).status == 422


def test_who_was_removed_is_invited_again_and_has_no_old_rights(world: World, acme: Member) -> None:
    person = world.person(address())
    accept(person, invite(acme, person.email, role="ADMIN"))
    assert acme.delete(f"/v1/identity/members/{person.user_id}").status == 204
    assert accept(person, invite(acme, person.email, role="VIEWER")).body["role"] == "VIEWER"
    refused = person.at(acme.organization_id, "ADMIN").get("/v1/identity/me")
    assert (refused.status, refused.body["code"]) == (401, "rights_changed")


def test_invitations_by_pages(acme: Member) -> None:
    ids = [invited(acme, address()) for _ in range(3)]
    first = acme.get(INVITATIONS, limit=2).body
    second = acme.get(INVITATIONS, limit=2, cursor=first["next_cursor"]).body
    assert [item["id"] for item in first["items"] + second["items"]] == ids[::-1]
    assert {UUID(invitation_id) for invitation_id in ids} == {row.id for row in acme.rows(select(Invitation)) if row.expires_at > now()}
