"""How far back an organization may look: a limit of its plan, asked in the statement that reads."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, case, func, literal_column, select

from parley.identity.models import Organization
from parley.kernel.access.plans import PLANS

_EVER: ColumnElement[datetime] = literal_column("'-infinity'::timestamptz")


def history_start() -> ScalarSelect[datetime]:
    """The instant before which nothing is shown to the session's organization: a subquery, for a WHERE. `-infinity` for most plans."""
    limited = [(Organization.plan == name, func.now() - timedelta(plan.history_days)) for name, plan in PLANS.items() if plan.history_days]
    beginning: ScalarSelect[datetime] = select(case(*limited, else_=_EVER)).scalar_subquery()
    return beginning
