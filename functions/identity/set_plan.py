"""Invoked by an operator alone (`aws lambda invoke`): `{"organization_id", "plan", "mail_limit"}` gives an organization its plan.

No route leads here: who may, IAM says (`lambda:InvokeFunction`), and CloudTrail and the organization's audit trail keep it.
"""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from parley.identity.billing import plan_changes
from parley.kernel.access.callers import system
from parley.kernel.access.plans import PlanType
from parley.kernel.persistence.transactions import transaction


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    organization_id: UUID
    plan: PlanType
    mail_limit: Annotated[int, Field(ge=0)] | None = None


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    order = Order.model_validate(event)
    caller = system(order.organization_id)
    with transaction(caller) as session:
        organization = plan_changes.set_plan(session, caller, order.plan, reason="operator", mail_limit=order.mail_limit)
    return {"organization_id": str(order.organization_id), "plan": organization.plan.value, "mail_limit": organization.mail_limit}
