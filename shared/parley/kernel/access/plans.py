"""What an organization may use, by its plan. An agreement with one organization can raise a number: its own columns win over these."""

from dataclasses import dataclass
from enum import StrEnum

from parley.kernel.values.errors import Refusal


class PlanType(StrEnum):
    FREE = "FREE"
    PRO = "PRO"
    BUSINESS = "BUSINESS"


@dataclass(frozen=True, slots=True)
class Plan:
    """`seats`: members and pending invitations. `history_days`: how long messages are kept, None for ever."""

    seats: int
    history_days: int | None
    requests_per_minute: int
    has_api_access: bool


PLANS: dict[PlanType, Plan] = {
    PlanType.FREE: Plan(seats=1, history_days=30, requests_per_minute=60, has_api_access=False),
    PlanType.PRO: Plan(seats=3, history_days=None, requests_per_minute=300, has_api_access=False),
    PlanType.BUSINESS: Plan(seats=4, history_days=None, requests_per_minute=1000, has_api_access=True),
}


class PlanLimit(Refusal):
    """The plan does not cover this. 402: paying for a larger one is what helps."""

    status = 402
