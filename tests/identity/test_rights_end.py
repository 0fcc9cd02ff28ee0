"""Rights end with their reason: whatever a member can make, times whatever can happen to the member, and what the thing may still do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from parley import schema
from parley.identity.models import MemberRole, Organization, OrganizationMember, User, UserSession
from parley.kernel.access.callers import NOWHERE, ActorType, Caller, system
from parley.kernel.access.plans import PlanType
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.notifications.models import NotificationLog
from parley.scheduling.tables.workflow_models import Workflow
from parley.webhooks.models import DisabledReason, WebhookDelivery, WebhookSubscription
from tests.harness import Client, Keyed, Member, Person, World
from tests.identity.test_invitations import accept, invite
from tests.kernel.http_receivers import Receiver, receiver
from tests.stack.load_scenarios import at, booking, event_type, schedule

EVENT_TYPES, WORKFLOWS = "/v1/scheduling/event-types", "/v1/scheduling/workflows"
SUBSCRIPTIONS, KEYS, POOLS = "/v1/webhooks/subscriptions", "/v1/identity/api-keys", "/v1/scheduling/pools"
MAIL = {
    "name": "Copy",
    "channel": "EMAIL",
    "trigger": "BOOKING_CANCELED",
    "subject": "About {{event_type.name}}",
    "body": "{{invitee.email}}",
}
HOOK = {"name": "Hook", "channel": "WEBHOOK", "trigger": "BOOKING_CANCELED", "subject": None, "body": "{{invitee.email}}"}

EVENTS = ("nothing", "MEMBER", "VIEWER", "removed", "suspended", "FREE", "back")
# What a thing does after each event, in their order; `nothing` is how it does otherwise.
THINGS: dict[str, dict[str, str]] = {
    thing: dict(zip(EVENTS, outcomes.split(), strict=True))
    for thing, outcomes in {
        "a key changes its maker's event type": "200 200 no no no no no",
        "a key changes a colleague's event type": "200 no no no no no no",
        "a key changes a colleague's schedule": "200 no no no no no no",
        "a key makes a workflow for everybody": "201 no no no no no no",
        "a key makes a webhook workflow": "201 no no no no no no",
        "a key makes a key": "201 no no no no no no",
        "a token changes a colleague's event type": "200 no no no no 200 200",
        "a workflow for everybody is changed": "200 no no no no 200 200",
        "a workflow of a colleague's event type is changed": "200 no no no no 200 200",
        "a workflow for everybody writes to an address": "sent no no no no sent no",
        "a workflow of a colleague's event type writes to an address": "sent no no no no sent no",
        "a workflow of one's own event types writes to an address": "sent sent no no no sent no",
        "a workflow for everybody writes to who booked": "sent sent sent sent sent sent sent",
        "a webhook workflow for everybody calls": "sent no no no no sent no",
        "a webhook subscription calls": "sent no no no no sent no",
        "an invitation of an administrator is accepted": "200 no no no no no no",
        "an invitation of a member is accepted": "200 no no no no no no",
        "an event type can be booked": "200 200 200 no no 200 200",
        "a key of a key changes a colleague's event type": "200 no no no no no no",
        "a regenerated key changes a colleague's event type": "200 no no no no no no",
        "a key changes a pool of a colleague's event type": "200 no no no no no no",
        "a token changes a pool of a colleague's event type": "200 no no no no 200 200",
        "a token changes a pool that nobody uses": "200 200 no no no 200 200",
        "a key begins an upload": "201 201 no no no no no",
        "a key replays a delivery": "202 no no no no no no",
        "a key has a webhook's secret rotated": "201 no no no no no no",
        "a token tests a workflow for everybody": "202 no no no no 202 202",
    }.items()
}

# Every column that says whose a thing is, and why it is, or is not, a row of the table above.
MADE_BY = {
    "api_keys.user_id": "keys",
    "invitations.invited_by": "invitations",
    "scheduling_workflows.user_id": "workflows",
    "webhooks_subscriptions.maker_id": "webhooks",
    "scheduling_event_types.user_id": "event types",
    "scheduling_schedules.user_id": "with its event type: nobody asks it alone",
    "scheduling_event_type_hosts.user_id": "a host is asked whether they are an active member, as is the maker of an event type",
    "scheduling_round_robin_assignments.user_id": "the same",
    "scheduling_bookings.host_id": "what was agreed on stands",
    "scheduling_booking_hosts.host_id": "the same",
    "scheduling_calendar_connections.user_id": "looked at by each sync and write; ends with the membership (tests of departures)",
    "scheduling_busy_times.user_id": "the same",
    "storage_projects.owner_id": "the organization's: the owner has no right by it; its keys are keys",
    "recordings_recordings.owner_id": "the organization's: the owner has no right by it",
    "inbox_messages.sent_by_user_id": "what was sent",
    "organizations.owner_id": "is handed over, and stays until then",
    "directory_entries.user_id": "the person's own, in no organization",
    "auth_providers.user_id": "the person's own, in no organization",
    "recovery_codes.user_id": "the person's own, in no organization",
    "refresh_tokens.user_id": "a session: its role is looked at by each request",
    "user_sessions.user_id": "the same",
    "user_keys.user_id": "the person's own, in no organization",
    "user_totps.user_id": "the person's own, in no organization",
    "verification_tokens.user_id": "the person's own, in no organization",
    "organization_members.user_id": "the membership itself",
    "team_members.user_id": "ends with the membership; gives no right",
    "scim_users.id": "ends with the membership; gives no right",
}


@dataclass
class Scene:
    """An organization, an administrator who has made one of everything, and who watches what it does."""

    world: World
    owner: Member
    receiver: Receiver
    maker: Member = field(init=False)
    key: Keyed = field(init=False)
    wide_key: Keyed = field(init=False)
    root_key: Keyed = field(init=False)
    child_key: Keyed = field(init=False)
    renewed_key: Keyed = field(init=False)
    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    after: str = "nothing"

    def __post_init__(self) -> None:
        self.maker, self.colleague = self.owner.as_role("ADMIN"), self.owner.as_role("MEMBER")
        with transactions.transaction(self.owner.caller) as session:
            self.witness = str(session.scalar(select(User.email).where(User.id == self.colleague.user_id)))
        self.key = self.maker.key("event_types:write", "schedules:write", "workflows:write", "uploads:create")  # what a member may as well
        self.wide_key = self.maker.key("workflows:write", "webhooks:write", "api_keys:manage")
        self.root_key = self.maker.key("event_types:write", "api_keys:manage")
        child = self.root_key.post(KEYS, {"label": "Child", "permissions": ["event_types:write"]}).body
        self.child_key = Keyed(self.world, child["key"], UUID(child["id"]))
        renewed = self.maker.post(f"{KEYS}/{self.maker.key('event_types:write').id}/regenerate", {}).body
        self.renewed_key = Keyed(self.world, renewed["key"], UUID(renewed["id"]))
        made = self.ids
        made["schedule"], made["own schedule"] = schedule(self.owner), schedule(self.maker)  # type: ignore[arg-type]  # both answer alike
        made["event type"] = event_type(self.owner, made["schedule"])  # type: ignore[arg-type]
        made["own event type"] = event_type(self.maker, made["own schedule"])  # type: ignore[arg-type]
        mailed = MAIL | {"addresses": [self.witness], "recipients": []}
        made["wide"] = self._made(WORKFLOWS, mailed | {"is_organization_wide": True, "recipients": ["INVITEE"], "name": "Wide"})
        made["bound"] = self._made(WORKFLOWS, mailed | {"event_type_id": made["event type"], "name": "Bound"})
        made["own"] = self._made(WORKFLOWS, mailed | {"event_type_id": made["own event type"], "name": "Own"})
        made["hook"] = self._made(WORKFLOWS, HOOK | {"is_organization_wide": True, "url": f"{self.receiver.url}/workflow"})
        made["webhook"] = self._made(SUBSCRIPTIONS, {"name": "Ours", "url": f"{self.receiver.url}/webhook", "events": ["booking.canceled"]})
        for pool in ("used pool", "idle pool"):
            wanted = {"name": pool, "strategy": "ROTATE", "hosts": [{"user_id": str(self.owner.user_id)}]}
            answer = self.owner.post(POOLS, wanted)
            assert answer.status == 201, answer.raw
            made[pool] = str(answer.body["id"])
        meeting = {"platform": "YOUTUBE", "url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "scheduled_start": at("09:00")}
        made["meeting"] = str(self.owner.post("/v1/recordings/meetings", meeting).body["id"])
        event_type(self.owner, made["schedule"], kind="ROUND_ROBIN", pool_id=made["used pool"])  # type: ignore[arg-type]  # both answer alike
        for role in ("ADMIN", "MEMBER"):
            self.tokens[role] = invite(self.maker, f"{new_id()}@invited.test", role=role)
        for kind in ("event type", "own event type"):
            booked = Client(self.world).post("/v1/scheduling/bookings", booking(made[kind], at("10:00")))
            assert booked.status == 201, booked.raw
            made[f"booking of {kind}"] = booked.body["id"]
        self.world.pump()

    def _made(self, path: str, wanted: dict[str, Any]) -> str:
        answer = self.maker.post(path, wanted)
        assert answer.status == 201, answer.raw
        return str(answer.body["id"])

    def befall(self, event: str) -> None:
        self.after = event
        member = f"/v1/identity/members/{self.maker.user_id}"
        if event in ("MEMBER", "VIEWER"):
            assert self.owner.patch(member, {"role": event}).status == 200
            self.maker = self.world.member(self.owner.organization_id, self.maker.user_id, event)
        elif event == "removed":
            assert self.owner.delete(member).status == 204
        elif event == "back":
            self._come_back(member)
        elif event in ("suspended", "FREE"):
            with transactions.transaction(system(self.owner.organization_id)) as session:
                if event == "FREE":
                    session.execute(update(Organization).values(plan=PlanType.FREE, seat_limit=None))
                else:
                    is_maker = OrganizationMember.user_id == self.maker.user_id
                    session.execute(update(OrganizationMember).where(is_maker).values(deactivated_at=now()))
        for kind in ("event type", "own event type"):
            canceled = self.owner.post(f"/v1/scheduling/bookings/{self.ids[f'booking of {kind}']}/cancel", {"reason": "Ill"})
            assert canceled.status == 200, canceled.raw
        self.world.pump()
        self.world.invoke("webhooks/sweep_deliveries", {})
        self.world.pump()

    def _come_back(self, member: str) -> None:
        """An hour later the maker is removed, and invited to the same role."""
        with transactions.transaction(system(self.owner.organization_id)) as session:
            for made in (Workflow, WebhookSubscription):
                session.execute(update(made).values(maker_since=made.maker_since - timedelta(hours=1)))
            email = str(session.scalar(select(User.email).where(User.id == self.maker.user_id)))
        assert self.owner.delete(member).status == 204
        caller = Caller(NOWHERE, ActorType.USER, self.maker.user_id)
        with transactions.personal(caller) as session:
            session.execute(update(User).where(User.id == caller.actor_id).values(email_verified_at=now()))
            begun = UserSession(id=new_id(), user_id=caller.actor_id, methods=["email"], expires_at=now() + timedelta(days=7))
            session.add(begun)
        token = self.world.token(None, self.maker.user_id, None, session_id=begun.id)
        person = Person(self.world, token, self.maker.user_id, email)
        assert accept(person, invite(self.owner, email, role="ADMIN")).status == 200
        self.maker = self.world.member(self.owner.organization_id, self.maker.user_id, "ADMIN")

    def mailed(self, workflow: str, kind: str) -> str:
        rows = self.owner.rows(select(NotificationLog).where(NotificationLog.workflow_id == UUID(self.ids[workflow])))
        return "sent" if any(row.recipient_kind.value == kind and row.status.value == "SENT" for row in rows) else "no"

    def delivery(self) -> str:
        rows = self.owner.rows(select(WebhookDelivery.id).where(WebhookDelivery.event == "booking.canceled"))
        return str(rows[0])

    def called(self, path: str) -> str:
        return "sent" if any(arrival.path.endswith(path) for arrival in self.receiver.arrived) else "no"


def outcome(answer: Any) -> str:
    return str(answer.status) if answer.status < 400 else "no"


def _rename(who: Client, path: str) -> str:
    return outcome(who.patch(path, {"name": "Another name"}))


DOES: dict[str, Callable[[Scene], str]] = {
    "a key changes its maker's event type": lambda s: _rename(s.key, f"{EVENT_TYPES}/{s.ids['own event type']}"),
    "a key changes a colleague's event type": lambda s: _rename(s.key, f"{EVENT_TYPES}/{s.ids['event type']}"),
    "a key changes a colleague's schedule": lambda s: _rename(s.key, f"/v1/scheduling/schedules/{s.ids['schedule']}"),
    "a key makes a workflow for everybody": lambda s: outcome(
        s.key.post(WORKFLOWS, MAIL | {"is_organization_wide": True, "addresses": [s.witness]})
    ),
    "a key makes a webhook workflow": lambda s: outcome(s.wide_key.post(WORKFLOWS, HOOK | {"url": s.receiver.url})),
    "a key of a key changes a colleague's event type": lambda s: _rename(s.child_key, f"{EVENT_TYPES}/{s.ids['event type']}"),
    "a regenerated key changes a colleague's event type": lambda s: _rename(s.renewed_key, f"{EVENT_TYPES}/{s.ids['event type']}"),
    "a key changes a pool of a colleague's event type": lambda s: _rename(s.key, f"{POOLS}/{s.ids['used pool']}"),
    "a token changes a pool of a colleague's event type": lambda s: _rename(s.maker, f"{POOLS}/{s.ids['used pool']}"),
    "a token changes a pool that nobody uses": lambda s: _rename(s.maker, f"{POOLS}/{s.ids['idle pool']}"),
    "a key begins an upload": lambda s: outcome(
        s.key.post(f"/v1/recordings/meetings/{s.ids['meeting']}/uploads", {"size_bytes": 9, "content_type": "video/mp4"})
    ),
    "a key replays a delivery": lambda s: outcome(s.wide_key.post(f"/v1/webhooks/deliveries/{s.delivery()}/replay", {})),
    "a key has a webhook's secret rotated": lambda s: outcome(s.wide_key.post(f"{SUBSCRIPTIONS}/{s.ids['webhook']}/rotate-secret", {})),
    "a token tests a workflow for everybody": lambda s: outcome(s.maker.post(f"{WORKFLOWS}/{s.ids['wide']}/test", {})),
    "a key makes a key": lambda s: outcome(s.wide_key.post(KEYS, {"label": "Child", "permissions": ["api_keys:manage"]})),
    "a token changes a colleague's event type": lambda s: _rename(s.maker, f"{EVENT_TYPES}/{s.ids['event type']}"),
    "a workflow for everybody is changed": lambda s: outcome(
        s.maker.patch(f"{WORKFLOWS}/{s.ids['wide']}", {"body": "To me: {{invitee.email}}"})
    ),
    "a workflow of a colleague's event type is changed": lambda s: outcome(
        s.maker.patch(f"{WORKFLOWS}/{s.ids['bound']}", {"body": "To me"})
    ),
    "a workflow for everybody writes to an address": lambda s: s.mailed("wide", "ADDRESS"),
    "a workflow of a colleague's event type writes to an address": lambda s: s.mailed("bound", "ADDRESS"),
    "a workflow of one's own event types writes to an address": lambda s: s.mailed("own", "ADDRESS"),
    "a workflow for everybody writes to who booked": lambda s: s.mailed("wide", "INVITEE"),
    "a webhook workflow for everybody calls": lambda s: s.called("/workflow"),
    "a webhook subscription calls": lambda s: s.called("/webhook"),
    "an invitation of an administrator is accepted": lambda s: _accepted(s, "ADMIN"),
    "an invitation of a member is accepted": lambda s: _accepted(s, "MEMBER"),
    "an event type can be booked": lambda s: outcome(Client(s.world).get(f"{EVENT_TYPES}/{s.ids['own event type']}/public")),
}


def _accepted(scene: Scene, role: str) -> str:
    email = scene.world.mails()  # the token was mailed to the address that it is for
    [to] = {mail["to"][0] for mail in email if scene.tokens[role] in mail["raw"].replace("=\n", "").replace("=\r\n", "")} or {""}
    return outcome(accept(scene.world.person(to), scene.tokens[role]))


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.mark.parametrize("event", EVENTS)
def test_what_a_thing_may_still_do(world: World, acme: Member, endpoint: Receiver, event: str) -> None:
    scene = Scene(world, acme, endpoint)
    scene.befall(event)
    does = {thing: do(scene) for thing, do in DOES.items()}
    assert does == {thing: outcomes[event] for thing, outcomes in THINGS.items()}


def test_the_table_has_a_cell_for_everything() -> None:
    assert set(DOES) == set(THINGS) and all(set(outcomes) == set(EVENTS) for outcomes in THINGS.values())
    assert sum(len(outcomes) for outcomes in THINGS.values()) == sum(map(len, THINGS.values())) == 189


def test_every_column_that_says_whose_a_thing_is_has_been_thought_of() -> None:
    columns = {
        f"{table.name}.{key.column_keys[-1]}"
        for table in schema.metadata().tables.values()
        for key in table.foreign_key_constraints
        if key.referred_table.name in ("users", "organization_members")
    }
    assert columns == set(MADE_BY)


def test_an_administrator_who_enables_a_subscription_answers_for_it_and_nothing_is_lost(
    world: World, acme: Member, endpoint: Receiver
) -> None:
    scene = Scene(world, acme, endpoint)
    scene.befall("removed")
    path = f"{SUBSCRIPTIONS}/{scene.ids['webhook']}"
    row = acme.rows(select(WebhookSubscription).where(WebhookSubscription.id == UUID(scene.ids["webhook"])))[0]
    assert (row.disabled_reason, acme.get(path).body["disabled_reason"]) == (DisabledReason.MAKER_LEFT, "MAKER_LEFT")
    assert acme.post(f"{path}/enable").status == 200
    world.pump()
    canceled = [json.loads(arrival.body)["data"]["id"] for arrival in endpoint.arrived if arrival.path.endswith("/webhook")]
    assert sorted(canceled) == sorted(scene.ids[f"booking of {kind}"] for kind in ("event type", "own event type"))


def test_an_administrator_who_changes_a_workflow_answers_for_it(world: World, acme: Member, endpoint: Receiver) -> None:
    scene = Scene(world, acme, endpoint)
    assert acme.patch(f"/v1/identity/members/{scene.maker.user_id}", {"role": "MEMBER"}).status == 200
    demoted = world.member(acme.organization_id, scene.maker.user_id, "MEMBER")
    for changes in ({"body": "x"}, {"addresses": ["me@private.example"]}, {"is_active": False}, {"is_organization_wide": False}):
        assert demoted.patch(f"{WORKFLOWS}/{scene.ids['wide']}", changes).body["code"] == "not_for_everybody"
    assert demoted.delete(f"{WORKFLOWS}/{scene.ids['wide']}").body["code"] == "not_for_everybody"
    assert demoted.post(f"{WORKFLOWS}/{scene.ids['wide']}/test").body["code"] == "not_for_everybody"
    assert acme.patch(f"{WORKFLOWS}/{scene.ids['wide']}", {"name": "The organization's"}).body["user_id"] == str(acme.user_id)
    scene.befall("nothing")
    assert (scene.mailed("wide", "ADDRESS"), scene.mailed("bound", "ADDRESS")) == ("sent", "no")
    refused = acme.rows(select(NotificationLog).where(NotificationLog.workflow_id == UUID(scene.ids["bound"])))
    assert [(row.status.value, row.error_message) for row in refused] == [("FAILED", "maker_not_entitled")]


def test_an_invitation_is_taken_back_with_its_inviter_and_given_again_by_another(world: World, acme: Member) -> None:
    admin = acme.as_role("ADMIN")
    email = f"{new_id()}@invited.test"
    token = invite(admin, email, role="ADMIN")
    assert acme.delete(f"/v1/identity/members/{admin.user_id}").status == 204
    [pending] = [item for item in acme.get("/v1/identity/invitations").body["items"] if item["email"] == email]
    assert pending["status"] == "EXPIRED"
    assert acme.rows(select(AuditLog).where(AuditLog.action == "invitation.revoked", AuditLog.entity_id == UUID(pending["id"])))
    person = world.person(email)
    assert accept(person, token).status == 410
    assert accept(person, invite(acme, email, role="MEMBER")).body["role"] == "MEMBER"


def test_an_invitation_made_with_a_key_is_its_makers(world: World, acme: Member) -> None:
    admin = acme.as_role("ADMIN")
    email = f"{new_id()}@invited.test"
    key = admin.key("invitations:write")
    token = invite(key, email, role="ADMIN")  # type: ignore[arg-type]  # a key posts as a member does
    assert acme.patch(f"/v1/identity/members/{admin.user_id}", {"role": MemberRole.MEMBER.value}).status == 200
    assert accept(world.person(email), token).status == 410


def test_the_inviters_role_elsewhere_is_none_here(world: World, acme: Member, globex: Member) -> None:
    """Who invites themself under another address, and is removed, is an owner of another organization all the same."""
    admin = acme.as_role("ADMIN")
    with transactions.transaction(globex.caller) as session:
        session.add(OrganizationMember(user_id=admin.user_id, role=MemberRole.ADMIN))
    email = f"{new_id()}@invited.test"
    token = invite(admin, email, role="ADMIN")
    with transactions.transaction(system(acme.organization_id)) as session:
        condition = OrganizationMember.user_id == admin.user_id
        session.execute(update(OrganizationMember).where(condition).values(role=MemberRole.MEMBER))
    assert accept(world.person(email), token).status == 410


def test_a_member_without_the_scope_of_webhooks_makes_no_webhook_workflow(acme: Member) -> None:
    member = acme.as_role("MEMBER")
    answer = member.post(WORKFLOWS, HOOK | {"url": "https://8.8.8.8/"})
    assert (answer.status, answer.body["code"], answer.body["scope"]) == (403, "missing_scope", "webhooks:write")


def test_secret_headers_stay_with_the_origin_that_they_were_for(acme: Member) -> None:
    wanted = {"name": "Theirs", "url": "https://8.8.8.8/a", "events": ["booking.*"], "headers": {"X-Customer-Key": "of the customer"}}
    made = acme.post(SUBSCRIPTIONS, wanted).body
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    assert acme.patch(path, {"url": "https://8.8.8.8:443/b"}).body["header_names"] == ["x-customer-key"]
    for other in ("https://8.8.4.4/a", "https://8.8.8.8:8443/a"):
        assert acme.patch(path, {"url": "https://8.8.8.8/a", "headers": {"X-Customer-Key": "again"}}).body["header_names"] == [
            "x-customer-key"
        ]
        assert acme.patch(path, {"url": other}).body["header_names"] == []
        row = acme.rows(select(WebhookSubscription).where(WebhookSubscription.id == UUID(made["id"])))[0]
        assert row.header_values is None
    assert acme.patch(path, {"url": "https://1.1.1.1/", "headers": {"X-New": "1"}}).body["header_names"] == ["x-new"]


def test_a_freed_slug_leads_on_and_is_nobody_elses_for_ninety_days(world: World, acme: Member, globex: Member) -> None:
    def slug(who: Member) -> str:
        return str(who.get("/v1/identity/organization").body["slug"])

    own = schedule(acme)  # type: ignore[arg-type]  # both clients answer alike
    kind = event_type(acme, own)  # type: ignore[arg-type]
    link = acme.get(f"{EVENT_TYPES}/{kind}").body["slug"]
    old, new = slug(acme), f"acme-{new_id().hex}"
    assert acme.patch("/v1/identity/organization", {"slug": new}).status == 200
    taken = globex.patch("/v1/identity/organization", {"slug": old})
    assert (taken.status, taken.body["code"]) == (409, "organization_slug_taken")
    for organization_slug in (old, new):
        assert Client(world).get(f"/v1/scheduling/links/{organization_slug}/{link}").body["id"] == kind
    assert acme.patch("/v1/identity/organization", {"slug": old}).status == 200  # one's own comes back
    assert acme.patch("/v1/identity/organization", {"slug": new}).status == 200
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run("UPDATE directory_entries SET released_at = released_at - interval '91 days' WHERE key = :old", old=old)
    assert globex.patch("/v1/identity/organization", {"slug": old}).status == 200
    assert Client(world).get(f"/v1/scheduling/links/{old}/{link}").status == 404


def test_the_slug_of_a_deleted_organization_is_kept_back_and_leads_nowhere(world: World, acme: Member, globex: Member) -> None:
    old = acme.get("/v1/identity/organization").body["slug"]
    assert acme.delete("/v1/identity/organization").status == 204
    assert globex.patch("/v1/identity/organization", {"slug": old}).body["code"] == "organization_slug_taken"
    assert Client(world).get(f"/v1/scheduling/links/{old}/anything").status == 404
    assert Client(world).get(f"/{old}").status == 404
