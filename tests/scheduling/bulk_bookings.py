"""A crowd of bookings, copied by the database itself from one that came in by the front door: for plans and for benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import pg8000.native

PER_DAY = 5
"""Bookings of a host on a working day, on the hour from eight o'clock on."""

MADE_AT = """
CREATE FUNCTION pg_temp.made_at(moment timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid
    FROM (SELECT md5(random()::text) AS h) AS made
$$
"""
MEETINGS = """
CREATE TEMP TABLE meetings AS
SELECT c.*, k, start, pg_temp.made_at(start - interval '5 days') AS id, pg_temp.made_at(start - interval '5 days') AS invitee_id,
    CASE WHEN k = :count - 1 THEN 'PENDING' -- nobody is without a request
         WHEN start < now() THEN (ARRAY['CANCELED', 'NO_SHOW', 'COMPLETED'])[least(lot + 1, 3)]
         ELSE (ARRAY['CANCELED', 'PENDING', 'CONFIRMED'])[least(lot + 1, 3)] END AS status
FROM crowd c, generate_series(0, :count - 1) k,
    LATERAL (SELECT (random() * 20)::int AS lot,
        CAST(:monday AS timestamptz) + make_interval(days => (k / 5) / 5 * 7 + (k / 5) % 5, hours => 8 + k % 5) AS start) AS drawn
ORDER BY start
"""


@dataclass(frozen=True)
class Model:
    """An organization with a host, and a booking of theirs: what is copied."""

    organization_id: UUID
    user_id: UUID
    event_type_id: UUID
    booking_id: UUID


class BulkBookings:
    """Fills the database of a connection that may do everything."""

    def __init__(self, superuser: pg8000.native.Connection, model: Model) -> None:
        self.superuser, self.model = superuser, model
        superuser.run("SET session_replication_role = replica")  # copies of good rows are good: foreign keys are not looked up
        superuser.run(MADE_AT)

    def enlarge(self, hosts: int, bookings: int) -> None:
        """More hosts in the model's organization, each with an event type of their own and so many bookings over the year around today."""
        self._begin(f"'{self.model.organization_id}'::uuid", hosts)
        self._people()
        self._bookings(bookings)

    def neighbours(self, organizations: int, bookings: int) -> None:
        """More organizations, each with one host who has so many bookings."""
        self._begin("pg_temp.made_at(now())", organizations)
        named = {"slug": "'crowd-' || c.organization_id", "name": "'Neighbour'"}
        self._copy("organizations", "TRUE", own="id", id="c.organization_id", **named)
        self._people()
        self._bookings(bookings)

    @contextmanager
    def in_bulk(self) -> Iterator[None]:
        """While it lasts, what is not needed to copy is not kept up: the other indexes of bookings, and the constraint on a host's time."""
        made = []
        for table in ("scheduling_invitees", "scheduling_bookings", "scheduling_booking_hosts"):
            condition = f"c.conrelid = '{table}'::regclass AND c.contype = 'x'"
            for name, text in self.superuser.run(f"SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint c WHERE {condition}"):
                self.superuser.run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
                made.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {text}")
            plain = "NOT x.indisunique AND NOT x.indisexclusion"
            for name, text in self.superuser.run(
                f"SELECT x.indexrelid::regclass::text, pg_get_indexdef(x.indexrelid) FROM pg_index x "
                f"WHERE x.indrelid = '{table}'::regclass AND {plain}"
            ):
                self.superuser.run(f"DROP INDEX {name}")
                made.append(text)
        self.superuser.run("SET maintenance_work_mem = '512MB'")
        yield
        for statement in made:
            self.superuser.run(statement)

    def settle(self) -> None:
        """What the database does by itself after a while: it counts and tidies up."""
        self.superuser.run("VACUUM ANALYZE")

    def _begin(self, organization: str, count: int) -> None:
        self.superuser.run("DROP TABLE IF EXISTS crowd")
        new = "pg_temp.made_at(now())"
        self.superuser.run(
            f"CREATE TEMP TABLE crowd AS SELECT {organization} AS organization_id, {new} AS user_id, {new} AS schedule_id, "
            f"{new} AS event_type_id FROM generate_series(1, {count})"
        )

    def _copy(self, table: str, which: str, *, own: str = "organization_id", each: str = "crowd", **values: str) -> None:
        """For each of the crowd, or of the meetings, `c`, a row like one of the model's, `o`, with other values, which are SQL."""
        pairs = ", ".join(f"'{name}', {value}" for name, value in values.items())
        column_query = f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND attgenerated = ''"
        columns = [row[0] for row in self.superuser.run(f"{column_query} AND NOT attisdropped")]
        condition = f"o.{own} = '{self.model.organization_id}' AND {which}" if own else which
        self.superuser.run(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(f'r.{column}' for column in columns)} "
            f"FROM {each} c, {table} o, LATERAL jsonb_populate_record(o, jsonb_build_object({pairs})) r WHERE {condition}"
        )

    def _people(self) -> None:
        model, new, tenant = self.model, "pg_temp.made_at(now())", {"organization_id": "c.organization_id"}
        schedule = f"(SELECT e.schedule_id FROM scheduling_event_types e WHERE e.id = '{model.event_type_id}')"
        person = {"id": "c.user_id", "email": "c.user_id || '@crowd.test'", "username": "NULL::text"}
        self._copy("users", f"o.id = '{model.user_id}'", own="", **person)
        member = {"id": new, "user_id": "c.user_id", "role": "'MEMBER'"}
        self._copy("organization_members", f"o.user_id = '{model.user_id}'", **tenant, **member)
        self._copy("scheduling_schedules", f"o.id = {schedule}", **tenant, id="c.schedule_id", user_id="c.user_id")
        self._copy("scheduling_slots", f"o.schedule_id = {schedule}", **tenant, id=new, schedule_id="c.schedule_id")
        offered = {"id": "c.event_type_id", "user_id": "c.user_id", "schedule_id": "c.schedule_id"}
        self._copy("scheduling_event_types", f"o.id = '{model.event_type_id}'", **tenant, **offered)
        self._enter("event_type", "event_type_id::text", "crowd")

    def _bookings(self, count: int) -> None:
        weeks = count // (PER_DAY * 5)
        today = date.today()  # noqa: DTZ011  # a day more or less is no matter
        monday = today - timedelta(days=today.weekday() + 7 * (weeks * 5 // 6 - 1))
        self.superuser.run("DROP TABLE IF EXISTS meetings")
        self.superuser.run(MEETINGS, count=count, monday=f"{monday} 00:00+00")
        self.superuser.run("ANALYZE meetings")
        tenant, booking = {"each": "meetings", "organization_id": "c.organization_id"}, f"'{self.model.booking_id}'"
        invitee = f"(SELECT b.invitee_id FROM scheduling_bookings b WHERE b.id = {booking})"
        email = "'visitor-' || c.k || '-' || (random() * 300)::int || '@crowd.test'"
        self._copy("scheduling_invitees", f"o.id = {invitee}", **tenant, id="c.invitee_id", email=email)
        times = {"start_time": "c.start", "end_time": "c.start + interval '30 minutes'", "created_at": "c.start - interval '5 days'"}
        whose = {"event_type_id": "c.event_type_id", "host_id": "c.user_id", "invitee_id": "c.invitee_id", "calendar_uid": "c.id"}
        token = {"management_token_hash": "'crowd-' || c.id"}
        self._copy("scheduling_bookings", f"o.id = {booking}", **tenant, **times, **whose, **token, id="c.id", status="c.status")
        held = "tstzrange(c.start, c.start + interval '30 minutes')"
        host_values = {"host_id": "c.user_id", "status": "c.status", "start_time": "c.start", "session_id": "c.id", "held": held}
        self._copy("scheduling_booking_hosts", f"o.booking_id = {booking}", **tenant, **host_values, id="c.id", booking_id="c.id")
        self._enter("management_token", "'crowd-' || id", "meetings")

    def _enter(self, kind: str, key: str, table: str) -> None:
        self.superuser.run(
            f"INSERT INTO directory_entries (kind, key, organization_id) SELECT '{kind}', {key}, organization_id FROM {table}"
        )
