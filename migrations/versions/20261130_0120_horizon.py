"""How far ahead an event type is offered. None set, as for those that are there, means the usual sixty days."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0022_horizon"
down_revision = "0021_domains"
branch_labels = None
depends_on = None

TABLE = "scheduling_event_types"
KIND = pg.ENUM("ROLLING_DAYS", "BUSINESS_DAYS", "DATE", name="scheduling_horizon_kind", create_type=False)
WHOLE = (
    "num_nonnulls(horizon_days, horizon_until) = num_nonnulls(horizon_kind) "
    "AND (horizon_kind = 'DATE') = (horizon_until IS NOT NULL) AND horizon_days BETWEEN 1 AND 730"
)


def upgrade() -> None:
    KIND.create(op.get_bind())
    op.add_column(TABLE, sa.Column("horizon_kind", KIND))
    op.add_column(TABLE, sa.Column("horizon_days", sa.SmallInteger()))
    op.add_column(TABLE, sa.Column("horizon_until", sa.Date()))
    op.create_check_constraint(op.f("ck_scheduling_event_types_horizon"), TABLE, WHOLE)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_scheduling_event_types_horizon"), TABLE)
    for column in ("horizon_until", "horizon_days", "horizon_kind"):
        op.drop_column(TABLE, column)
    KIND.drop(op.get_bind())
