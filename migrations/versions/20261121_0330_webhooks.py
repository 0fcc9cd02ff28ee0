"""Outgoing webhooks for every domain."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import let_sweep, protect

revision = "0008_webhooks"
down_revision = "0007_scim"
branch_labels = None
depends_on = None

ENUMS = {
    "webhooks_delivery_status": ("PENDING", "SUCCESS", "FAILED", "RETRYING"),
    "webhooks_disabled_reason": ("MANUAL", "GONE", "FAILING"),
}
INSTANT = sa.DateTime(timezone=True)
IS_DUE = sa.text("next_retry_at IS NOT NULL")


def enum(name: str) -> pg.ENUM:
    return pg.ENUM(*ENUMS[name], name=name, create_type=False)


def key() -> tuple[sa.Column[object], ...]:
    owner = sa.ForeignKey("organizations.id", ondelete="CASCADE")
    return sa.Column("organization_id", sa.Uuid(), owner, primary_key=True), sa.Column("id", sa.Uuid(), primary_key=True)


def timestamps() -> tuple[sa.Column[object], ...]:
    return sa.Column("created_at", INSTANT, nullable=False), sa.Column("updated_at", INSTANT, nullable=False)


def upgrade() -> None:
    for name, values in ENUMS.items():
        pg.ENUM(*values, name=name).create(op.get_bind())
    _subscriptions()
    _deliveries()
    protect(op, "webhooks_subscriptions")
    protect(op, "webhooks_deliveries")
    let_sweep(op, "webhooks_deliveries")


def _subscriptions() -> None:
    op.create_table(
        "webhooks_subscriptions",
        *key(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", pg.JSONB(), nullable=False),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("old_secret", sa.LargeBinary()),
        sa.Column("old_secret_expires_at", INSTANT),
        sa.Column("header_names", pg.JSONB(), nullable=False),
        sa.Column("header_values", sa.LargeBinary()),
        sa.Column("max_per_minute", sa.SmallInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", enum("webhooks_disabled_reason")),
        sa.Column("disabled_at", INSTANT),
        sa.Column("last_success_at", INSTANT),
        sa.Column("failing_since", INSTANT),
        sa.Column("consecutive_failures", sa.Integer(), nullable=False),
        sa.Column("warned_at", INSTANT),
        sa.Column("minute_began_at", INSTANT),
        sa.Column("sent_in_minute", sa.Integer(), nullable=False),
        *timestamps(),
        sa.Column("deleted_at", INSTANT),
    )


def _deliveries() -> None:
    table = "webhooks_deliveries"
    op.create_table(
        table,
        *key(),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Uuid()),
        sa.Column("payload", sa.Text()),
        sa.Column("status", enum("webhooks_delivery_status"), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("round_began_at", INSTANT),
        sa.Column("attempt_id", sa.Uuid()),
        sa.Column("attempt_count", sa.SmallInteger(), nullable=False),
        sa.Column("max_attempts", sa.SmallInteger(), nullable=False),
        sa.Column("next_retry_at", INSTANT),
        sa.Column("last_attempted_at", INSTANT),
        sa.Column("delivered_at", INSTANT),
        sa.Column("request_headers", pg.JSONB()),
        sa.Column("status_code", sa.SmallInteger()),
        sa.Column("response_body", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("duration_ms", sa.Integer()),
        sa.Column("attempts", pg.JSONB(), nullable=False),
        *timestamps(),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["webhooks_subscriptions.organization_id", "webhooks_subscriptions.id"],
            ondelete="CASCADE",
        ),
    )
    op.create_index("uq_webhooks_deliveries_event", table, ["organization_id", "subscription_id", "event_id", "event"], unique=True)
    for name, column in (("subscription_id", "subscription_id"), ("event", "event")):
        op.create_index(f"ix_webhooks_deliveries_organization_id_{name}", table, ["organization_id", column, "id"])
    for status in ENUMS["webhooks_delivery_status"]:
        which = sa.text(f"status = '{status}'")
        op.create_index(f"ix_webhooks_deliveries_{status.lower()}", table, ["organization_id", "id"], postgresql_where=which)
    op.create_index("ix_webhooks_deliveries_organization_id_entity_id", table, ["organization_id", "entity_id"])
    due = ["organization_id", "subscription_id", "next_retry_at"]
    op.create_index("ix_webhooks_deliveries_organization_id_due", table, due, postgresql_where=IS_DUE)
    op.create_index("ix_webhooks_deliveries_next_retry_at", table, ["next_retry_at"], postgresql_where=IS_DUE)
    op.create_index("ix_webhooks_deliveries_created_at", table, ["created_at"])


def downgrade() -> None:
    op.drop_table("webhooks_deliveries")
    op.drop_table("webhooks_subscriptions")
    for name in ENUMS:
        op.execute(f"DROP TYPE {name}")
