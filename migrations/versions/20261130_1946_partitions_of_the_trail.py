"""The maker of the trail's partitions: a month at a time, attached and not created in place, with what the default partition has of it."""

from alembic import op

from parley.kernel.postgres.row_level_security import APPLICATION

revision = "0027_partitions_of_the_trail"
down_revision = "0026_postponed_rows"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # CREATE TABLE … PARTITION OF locks the whole trail (ACCESS EXCLUSIVE); ATTACH PARTITION lets writers go on (SHARE UPDATE EXCLUSIVE).
    # Both want the default partition for themselves, to look whether it has rows of the month: whoever writes into it waits for that long.
    # The trail is append-only for its owner, too, and forced behind its policy: both are set aside for the default partition alone, while
    # nobody else can reach it, for as long as its rows move.
    op.execute(
        """
        CREATE FUNCTION make_audit_partition(ahead integer) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET lock_timeout = '1s' AS $$
        DECLARE
            month date := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => least(greatest(ahead, 0), 24));
            name text := 'audit_logs_' || to_char(month, 'YYYY_MM');
            begins timestamptz := month::timestamp AT TIME ZONE 'UTC';
            ends timestamptz := (month + interval '1 month')::timestamp AT TIME ZONE 'UTC';
        BEGIN
            IF to_regclass('public.' || name) IS NOT NULL THEN
                RETURN 0;
            END IF;
            EXECUTE format('CREATE TABLE public.%I (LIKE public.audit_logs INCLUDING CONSTRAINTS INCLUDING INDEXES)', name);
            EXECUTE format('ALTER TABLE public.%I ADD CONSTRAINT of_the_month CHECK (created_at >= %L AND created_at < %L)',
                name, begins, ends);
            LOCK TABLE public.audit_logs_default IN ACCESS EXCLUSIVE MODE;
            ALTER TABLE public.audit_logs_default NO FORCE ROW LEVEL SECURITY;
            IF EXISTS (SELECT FROM public.audit_logs_default WHERE created_at >= begins AND created_at < ends) THEN
                EXECUTE format('INSERT INTO public.%I SELECT * FROM public.audit_logs_default WHERE created_at >= %L AND created_at < %L',
                    name, begins, ends);
                ALTER TABLE public.audit_logs_default DISABLE TRIGGER append_only;
                DELETE FROM public.audit_logs_default WHERE created_at >= begins AND created_at < ends;
                ALTER TABLE public.audit_logs_default ENABLE TRIGGER append_only;
            END IF;
            ALTER TABLE public.audit_logs_default FORCE ROW LEVEL SECURITY;
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', name);
            EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', name);
            EXECUTE format('ALTER TABLE public.audit_logs ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', name, begins, ends);
            EXECUTE format('ALTER TABLE public.%I DROP CONSTRAINT of_the_month', name);
            RETURN 1;
        END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION make_audit_partition(integer) FROM public")
    op.execute(f"GRANT EXECUTE ON FUNCTION make_audit_partition(integer) TO {APPLICATION}")


def downgrade() -> None:
    op.execute("DROP FUNCTION make_audit_partition(integer)")
