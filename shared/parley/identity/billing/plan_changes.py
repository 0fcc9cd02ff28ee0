"""Giving an organization its plan: for an operator, and for a payment provider's webhook. Nobody gives themselves a larger one."""

from sqlalchemy.orm import Session

from parley.identity.declared import IdentityAction, IdentityEvent
from parley.identity.models import Organization
from parley.identity.roles import organization_lock
from parley.kernel.access.callers import Caller
from parley.kernel.access.plans import PlanLimit, PlanType
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox

_ORDER = tuple(PlanType)


class PlanNotPaid(PlanLimit):
    """A larger plan is given by whoever runs this, or by a payment."""


def is_larger(plan: PlanType, than: PlanType) -> bool:
    return _ORDER.index(plan) > _ORDER.index(than)


def refuse_larger(organization: Organization, plan: PlanType) -> None:
    """Raises `PlanNotPaid`."""
    if is_larger(plan, organization.plan):
        raise PlanNotPaid(
            f"{plan.value} is larger than {organization.plan.value}: it comes with a payment, or from whoever runs this; ask them.",
            limit="plan",
            plan=organization.plan.value,
        )


def set_plan(
    session: Session, caller: Caller, plan: PlanType, *, reason: str, mail_limit: int | None = None, with_deleted: bool = False
) -> Organization:
    """Set the plan of the caller's organization, whatever it had. Raises `NoSuchOrganization`.

    Who sits on seats that the new plan has not stays; nobody comes in until there are fewer. `mail_limit` is an agreement about mails.
    """
    organization = organization_lock.lock_organization(session, with_deleted=with_deleted)
    if mail_limit is not None and mail_limit != organization.mail_limit:
        organization.mail_limit = mail_limit
        audit.record(
            session, caller, IdentityAction.ORGANIZATION_UPDATED, organization, changed=["mail_limit"], new={"mail_limit": mail_limit}
        )
    if organization.plan is not plan:
        old, organization.plan = organization.plan, plan
        record(session, caller, organization, old, reason=reason)
    return organization


def record(session: Session, caller: Caller, organization: Organization, old: PlanType, *, reason: str) -> None:
    """Audit and announce a plan that has changed."""
    new = {"plan": organization.plan.value, "reason": reason}
    audit.record(session, caller, IdentityAction.ORGANIZATION_PLAN_CHANGED, organization, old={"plan": old.value}, new=new)
    outbox.announce(session, IdentityEvent.PLAN_CHANGED, organization_id=organization.id, plan=organization.plan.value)
