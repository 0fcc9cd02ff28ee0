"""How far ahead somebody's time is offered, and so their calendars have to be known."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Integer, ScalarSelect, case, func, literal, or_, select
from sqlalchemy.types import Date

from parley.scheduling.common.scheduling_fields import MOST_DAYS, USUAL_DAYS
from parley.scheduling.tables.enums import HorizonKind
from parley.scheduling.tables.event_type_models import EventType, EventTypeHost
from parley.scheduling.tables.round_robin_models import RoundRobinAssignment

LEAST_AHEAD = timedelta(days=180)
# Weekends around working days, zones, and the length of what begins on the last day.
_SLACK_DAYS = 5
_DAY_MINUTES = 24 * 60


def farthest_days(user_id: UUID, at: datetime) -> ScalarSelect[int]:
    """Of the event type of theirs that reaches farthest, rather a few too many; None where there is none. A part of a statement."""
    event_type = EventType
    horizon = case(
        (event_type.horizon_until.is_not(None), event_type.horizon_until - literal(at.date(), Date)),
        (event_type.horizon_kind == HorizonKind.BUSINESS_DAYS, event_type.horizon_days * 7 // 5),
        else_=func.coalesce(event_type.horizon_days, event_type.min_notice // _DAY_MINUTES + USUAL_DAYS),
    )
    lasting = (event_type.duration + event_type.buffer_before + event_type.buffer_after) // _DAY_MINUTES
    hosted = select(EventTypeHost.event_type_id).where(EventTypeHost.user_id == user_id)
    pools = select(RoundRobinAssignment.pool_id).where(RoundRobinAssignment.user_id == user_id)
    farthest = func.max(func.least(horizon, MOST_DAYS) + lasting + _SLACK_DAYS, type_=Integer)
    condition = or_(event_type.user_id == user_id, event_type.id.in_(hosted), event_type.pool_id.in_(pools))
    return select(farthest).where(condition).scalar_subquery()


def known_ahead(days: int | None) -> timedelta:
    return max(LEAST_AHEAD, timedelta(days=days or 0))
