"""Plans: nobody gives themselves a larger one; an operator does, and a payment."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from parley.kernel.access.plans import PlanType
from parley.kernel.audit.audit import AuditLog
from tests.harness import World

PLAN = "/v1/identity/organization/plan"


@pytest.mark.parametrize(("plan", "larger"), [("FREE", "PRO"), ("FREE", "BUSINESS"), ("PRO", "BUSINESS")])
def test_an_owner_takes_no_larger_plan(world: World, plan: str, larger: str) -> None:
    owner = world.organization("Thrifty", PlanType(plan))
    refused = owner.put(PLAN, {"plan": larger})
    assert (refused.status, refused.body["code"], refused.body["plan"]) == (402, "plan_not_paid", plan)
    assert owner.get("/v1/identity/organization/limits").body["plan"] == plan
    key = world.organization("Program", PlanType.BUSINESS).key("*")
    assert key.put(PLAN, {"plan": "BUSINESS"}).status == 200  # the one it has


def test_an_owner_goes_down_and_an_operator_up(world: World) -> None:
    owner = world.organization("Thrifty", PlanType.BUSINESS)
    assert owner.put(PLAN, {"plan": "PRO"}).body["plan"] == "PRO"
    assert owner.put(PLAN, {"plan": "BUSINESS"}).status == 402
    world.give_plan(owner.organization_id, "BUSINESS")
    assert owner.get("/v1/identity/organization/limits").body["plan"] == "BUSINESS"
    trail = owner.rows(select(AuditLog).where(AuditLog.action == "organization.plan_changed").order_by(AuditLog.id))
    assert [(row.actor_type.value, row.new_values["plan"], row.new_values["reason"]) for row in trail] == [
        ("USER", "PRO", "chosen"),
        ("SYSTEM", "BUSINESS", "operator"),
    ]


def test_a_smaller_plan_of_an_operator_puts_nobody_out(world: World) -> None:
    owner = world.organization("Shrinking", PlanType.BUSINESS)
    colleague = owner.as_role("MEMBER")
    world.give_plan(owner.organization_id, "FREE")
    assert owner.get("/v1/identity/organization/limits").body["seats"] == {"used": 2, "limit": 1}
    assert colleague.get("/v1/identity/me").status == 200
    assert owner.post("/v1/identity/invitations", {"email": "more@thrifty.example"}).status == 402
