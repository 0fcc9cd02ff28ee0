"""Rate limits: one instant a subject, and the function that spends several at once."""

import sqlalchemy as sa
from alembic import op

from parley.kernel.postgres.row_level_security import APPLICATION, share

revision = "0014_rate_limits"
down_revision = "0013_webhook_pauses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate_limit_buckets",
        sa.Column("subject", sa.Text(), primary_key=True),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_rate_limit_buckets_full_at", "rate_limit_buckets", ["full_at"])
    op.execute("ALTER TABLE rate_limit_buckets SET (fillfactor = 50)")
    share(op, "rate_limit_buckets")
    # First all are looked at, then all are written. Two who spend the last at once: the second waits at the row, finds it spent, and
    # undoes what it had written. Subjects come sorted, so nobody waits in a circle.
    op.execute(
        """
        CREATE FUNCTION spend_rate_limits(subjects text[], places integer[], spans float8[], most integer[])
        RETURNS TABLE (place integer, wait_seconds float8) LANGUAGE plpgsql AS $$
        #variable_conflict use_variable
        DECLARE
            instant timestamptz := clock_timestamp();
            full_then timestamptz;
            is_refused boolean := false;
        BEGIN
            FOR i IN 1 .. cardinality(subjects) LOOP
                SELECT b.full_at INTO full_then FROM rate_limit_buckets b WHERE b.subject = subjects[i];
                IF FOUND AND full_then > instant + make_interval(secs => spans[i] - spans[i] / most[i]) THEN
                    place := places[i];
                    wait_seconds := extract(epoch FROM full_then - instant) - (spans[i] - spans[i] / most[i]);
                    is_refused := true;
                    RETURN NEXT;
                END IF;
            END LOOP;
            IF is_refused THEN
                RETURN;
            END IF;
            BEGIN
                FOR i IN 1 .. cardinality(subjects) LOOP
                    INSERT INTO rate_limit_buckets AS b (subject, full_at)
                    VALUES (subjects[i], instant + make_interval(secs => spans[i] / most[i]))
                    ON CONFLICT (subject) DO UPDATE SET full_at = greatest(b.full_at, instant) + make_interval(secs => spans[i] / most[i])
                    WHERE b.full_at <= instant + make_interval(secs => spans[i] - spans[i] / most[i]);
                    IF NOT FOUND THEN
                        place := places[i];
                        RAISE EXCEPTION 'spent' USING ERRCODE = 'P0429';
                    END IF;
                END LOOP;
            EXCEPTION WHEN SQLSTATE 'P0429' THEN
                wait_seconds := 1;
                RETURN NEXT;
            END;
        END
        $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION spend_rate_limits(text[], integer[], float8[], integer[]) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION spend_rate_limits(text[], integer[], float8[], integer[]) TO {APPLICATION}")


def downgrade() -> None:
    op.execute("DROP FUNCTION spend_rate_limits(text[], integer[], float8[], integer[])")
    op.drop_table("rate_limit_buckets")
