"""Workflows: what an organization wants to be sent around its bookings."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from parley.identity.roles import member_rights
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox, pagination
from parley.kernel.persistence.pagination import Page
from parley.kernel.values import clock
from parley.kernel.values.errors import Conflict, Forbidden, NotFound
from parley.notifications.enums import NotificationChannel, RecipientKind
from parley.scheduling.availability.inputs import NoSuchEventType
from parley.scheduling.common import ownership, queries
from parley.scheduling.declared import SchedulingAction, SchedulingEvent
from parley.scheduling.notifications import address_agreements
from parley.scheduling.tables.enums import TIMED_TRIGGERS, WorkflowTrigger
from parley.scheduling.tables.event_type_models import EventType
from parley.scheduling.tables.workflow_models import Workflow
from parley.scheduling.workflows import sending_rights, workflow_validation
from parley.scheduling.workflows.schemas import (
    AgreementRead,
    WorkflowCreate,
    WorkflowCreatedRead,
    WorkflowDetailRead,
    WorkflowRead,
    WorkflowUpdate,
)
from parley.webhooks import subscriptions
from parley.webhooks.declared import WebhookType
from parley.webhooks.models import WebhookSubscription

MOST = 100
# A change of one of these changes what is due.
_TIMING = ("trigger", "minutes_before", "minutes_after", "event_type_id", "is_organization_wide", "is_active")
_AUDITED = ("trigger", "channel", "minutes_before", "minutes_after", "is_organization_wide", "is_active")


class NoSuchWorkflow(NotFound):
    """Absent, deleted, or another organization's."""

    def __init__(self) -> None:
        super().__init__("There is no such workflow.")


class TooManyWorkflows(Conflict):
    """The organization has as many as it can have."""


class EndpointGone(Conflict):
    """Somebody deleted the webhook subscription of the workflow, and its secret with it."""

    def __init__(self) -> None:
        super().__init__("The webhook subscription of this workflow was deleted, and its secret with it; make a new workflow.")


class NotForEverybody(Forbidden):
    """Only administrators decide about bookings of everybody."""

    def __init__(self) -> None:
        super().__init__("Only administrators can make a workflow for the whole organization; name an event type, or leave it out.")


def create_workflow(session: Session, caller: Caller, wanted: WorkflowCreate) -> WorkflowCreatedRead:
    """A workflow of who asks; a WEBHOOK's URL was checked. Bookings that are there already are followed as well.

    Raises `MisfitWorkflow`, `UnknownVariable`, `BrokenTemplate`, `TextsNotOffered`, `NoSuchEventType`, `NotYours`, `NotForEverybody`,
    `MissingScope`, `TooManyWorkflows`, `TooManySubscriptions`, `RateLimitExceeded`.
    """
    owner = ownership.person(caller)
    if wanted.channel is NotificationChannel.WEBHOOK:
        caller.require("webhooks:write")
    values = wanted.model_dump()
    if wanted.channel is not NotificationChannel.WEBHOOK and not values["recipients"] and not values["addresses"]:
        values["recipients"] = [RecipientKind.INVITEE]
    workflow_validation.check(values)
    _check_reach(session, caller, wanted.event_type_id, is_wide=wanted.is_organization_wide)
    if session.scalars(select(func.count()).select_from(Workflow)).one() >= MOST:
        raise TooManyWorkflows(f"An organization has at most {MOST} workflows; delete one first.")

    url, secret = values.pop("url"), None
    workflow = Workflow(user_id=owner, **values)
    if url is not None:
        endpoint, secret = subscriptions.add(
            session, caller, name=f"Workflow {workflow.name}"[:200], url=url, events=[WebhookType.WORKFLOW]
        )
        session.flush()
        workflow.subscription_id = endpoint.id
    session.add(workflow)
    session.flush()
    address_agreements.ask(session, caller, workflow.channel, workflow.addresses)

    audit.record(session, caller, SchedulingAction.WORKFLOW_CREATED, workflow, new=_plain(workflow))
    _announce(session, workflow)
    return WorkflowCreatedRead(**read(workflow).model_dump(), agreements=_agreements(session, workflow), url=url, secret=secret)


def _plain(workflow: Workflow) -> dict[str, Any]:
    values = {name: getattr(workflow, name) for name in _AUDITED}
    return {name: getattr(value, "value", value) for name, value in values.items()} | {"event_type_id": str(workflow.event_type_id)}


def _announce(session: Session, workflow: Workflow) -> None:
    outbox.announce(session, SchedulingEvent.WORKFLOW_CHANGED, workflow_id=workflow.id, revision=workflow.revision)


def _check_reach(session: Session, caller: Caller, event_type_id: UUID | None, *, is_wide: bool) -> None:
    if event_type_id is not None:
        event_type = queries.event_type(session, event_type_id)
        if event_type is None:
            raise NoSuchEventType
        ownership.check(session, caller, event_type.user_id)
    if is_wide and not member_rights.administers(session, caller):
        raise NotForEverybody


def workflows(session: Session, event_type_id: UUID | None, *, cursor: str | None, limit: int) -> Page[WorkflowRead]:
    """The organization's, or those that name an event type, newest first. One query."""
    chosen = select(Workflow)
    if event_type_id is not None:
        chosen = chosen.where(Workflow.event_type_id == event_type_id)
    rows, next_cursor = pagination.page(session, chosen, [Workflow.id], cursor=cursor, limit=limit)
    return Page(items=[read(row) for row in rows], next_cursor=next_cursor)


def read(workflow: Workflow) -> WorkflowRead:
    columns = {name: getattr(workflow, name) for name in WorkflowRead.model_fields if name != "webhook_subscription_id"}
    return WorkflowRead(**columns, webhook_subscription_id=workflow.subscription_id)


def workflow(session: Session, workflow_id: UUID) -> WorkflowDetailRead:
    """Raises `NoSuchWorkflow`."""
    row = _found(session, workflow_id)
    return _detail(session, row)


def _found(session: Session, workflow_id: UUID, *, to_change: bool = False) -> Workflow:
    chosen = select(Workflow).where(Workflow.id == workflow_id)
    workflow_row = session.scalars(chosen.with_for_update() if to_change else chosen).one_or_none()
    if workflow_row is None:
        raise NoSuchWorkflow
    return workflow_row


def own(session: Session, caller: Caller, workflow_id: UUID) -> Workflow:
    """Locked, and the caller's to change as it is: one that reaches beyond its maker's own bookings is the administrators'.

    Raises `NoSuchWorkflow`, `NotYours`, `NotForEverybody`, `MissingScope`.
    """
    workflow_row = _found(session, workflow_id, to_change=True)
    ownership.check(session, caller, workflow_row.user_id)
    if workflow_row.is_organization_wide and not member_rights.administers(session, caller):
        raise NotForEverybody
    if workflow_row.event_type_id is not None:
        host = session.scalar(
            select(EventType.user_id).where(EventType.id == workflow_row.event_type_id), execution_options={"with_deleted": True}
        )
        ownership.check(session, caller, host or workflow_row.user_id)
    return workflow_row


def _endpoint(session: Session, workflow: Workflow) -> WebhookSubscription | None:
    if workflow.subscription_id is None:
        return None
    return session.scalars(select(WebhookSubscription).where(WebhookSubscription.id == workflow.subscription_id)).one_or_none()


def _detail(session: Session, workflow: Workflow) -> WorkflowDetailRead:
    endpoint = _endpoint(session, workflow)
    url = endpoint.url if endpoint else None
    return WorkflowDetailRead(**read(workflow).model_dump(), agreements=_agreements(session, workflow), url=url)


def _agreements(session: Session, workflow: Workflow) -> list[AgreementRead]:
    """Of each address; none for those that need none, a member's."""
    if not workflow.addresses:
        return []
    statuses = address_agreements.statuses(session, workflow.channel, workflow.addresses)
    return [
        AgreementRead(address=address, status=statuses[address.lower()]) for address in workflow.addresses if address.lower() in statuses
    ]


def update_workflow(session: Session, caller: Caller, workflow_id: UUID, wanted: WorkflowUpdate) -> WorkflowDetailRead:
    """Change what is named; a URL was checked. What is due follows, in the worker.

    Raises `NoSuchWorkflow`, `NotYours`, and what `create_workflow` raises.
    """
    workflow_row = own(session, caller, workflow_id)
    if workflow_row.channel is NotificationChannel.WEBHOOK:
        caller.require("webhooks:write")
    changes = wanted.changed_fields()
    endpoint = _endpoint(session, workflow_row)
    before = {name: getattr(workflow_row, name) for name in (*WorkflowUpdate.model_fields, "channel") if name != "url"}
    merged = before | {"url": endpoint.url if endpoint else None} | changes
    for field, trigger in (("minutes_before", WorkflowTrigger.BEFORE_MEETING), ("minutes_after", WorkflowTrigger.AFTER_MEETING)):
        if field not in changes and merged["trigger"] is not trigger:
            merged[field] = None
    merged["recipients"] = [RecipientKind(recipient) for recipient in merged["recipients"]]
    if workflow_row.channel is not NotificationChannel.WEBHOOK and not merged["recipients"] and not merged["addresses"]:
        merged["recipients"] = [RecipientKind.INVITEE]
    if workflow_row.channel is NotificationChannel.WEBHOOK and endpoint is None and merged["url"] is None:
        merged["url"] = ""  # its endpoint was deleted: everything else can still be changed
    workflow_validation.check(merged)
    if merged["event_type_id"] != before["event_type_id"] or merged["is_organization_wide"] != before["is_organization_wide"]:
        _check_reach(session, caller, merged["event_type_id"], is_wide=merged["is_organization_wide"])
    _take_over(session, caller, workflow_row)

    url = merged.pop("url")
    if endpoint is None and url:
        raise EndpointGone
    if endpoint is not None and url != endpoint.url:
        subscriptions.redirect(session, caller, endpoint.id, url)
    is_retimed = any(merged[name] != before[name] for name in _TIMING)
    old = _plain(workflow_row)
    for name, value in merged.items():
        setattr(workflow_row, name, value)
    workflow_row.updated_at = clock.now()
    if is_retimed:
        workflow_row.revision, workflow_row.effective_from = workflow_row.revision + 1, workflow_row.updated_at
        _announce(session, workflow_row)
    session.flush()
    if "addresses" in changes:
        address_agreements.ask(session, caller, workflow_row.channel, workflow_row.addresses)

    audit.record(
        session, caller, SchedulingAction.WORKFLOW_UPDATED, workflow_row, old=old, new=_plain(workflow_row) | {"changed": sorted(changes)}
    )
    return _detail(session, workflow_row)


def _take_over(session: Session, caller: Caller, workflow: Workflow) -> None:
    """Who changes a workflow whose maker may not have it any more answers for it from now on: its addresses are written to again."""
    if session.scalar(select(sending_rights.may_send_outside(workflow))):
        return
    owner, workflow.user_id, workflow.maker_since = workflow.user_id, ownership.person(caller), clock.now()
    endpoint = _endpoint(session, workflow)
    if endpoint is not None:
        endpoint.maker_id, endpoint.maker_since = workflow.user_id, workflow.maker_since
    audit.record(
        session, caller, SchedulingAction.WORKFLOW_UPDATED, workflow, old={"user_id": str(owner)}, new={"user_id": str(workflow.user_id)}
    )


def delete_workflow(session: Session, caller: Caller, workflow_id: UUID) -> None:
    """Nothing is sent by it any more; its log stays. Raises `NoSuchWorkflow`, `NotYours`."""
    workflow_row = own(session, caller, workflow_id)
    workflow_row.deleted_at, workflow_row.is_active, workflow_row.revision = clock.now(), False, workflow_row.revision + 1
    if _endpoint(session, workflow_row) is not None and workflow_row.subscription_id is not None:
        subscriptions.delete(session, caller, workflow_row.subscription_id)
    audit.record(session, caller, SchedulingAction.WORKFLOW_DELETED, workflow_row)
    if workflow_row.trigger in TIMED_TRIGGERS:
        _announce(session, workflow_row)
