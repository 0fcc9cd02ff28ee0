"""A crowd of bookings, copied by the database itself from one that came in by the front door: for plans and for benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import pg8000.native

PER_DAY = 5
"""Bookings of a host on a working day, on the hour from eight o'clock on."""


@dataclass(frozen=True)
class Model:
    """An organization with a host, and a booking of theirs: what is copied."""

    organization_id: UUID
    user_id: UUID
    event_type_id: UUID
    booking_id: UUID


def copied(source: str, **values: str) -> str:
    """A row like `source`'s with other values, as a lateral item; the values are SQL."""
    pairs = ", ".join(f"'{name}', {value}" for name, value in values.items())
    return f"LATERAL jsonb_populate_record({source}, jsonb_build_object({pairs})) r"


class Crowd:
    """Fills the database of a connection that may do everything."""

    def __init__(self, superuser: pg8000.native.Connection) -> None:
        self.superuser = superuser
        superuser.run(
            """
            CREATE FUNCTION pg_temp.made_at(moment timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
                SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid
                FROM (SELECT md5(random()::text) AS h) AS made
            $$
            """
        )

    def enlarge(self, model: Model, hosts: int, bookings: int) -> None:
        """More hosts in the organization, each with an event type of their own and so many bookings over the year around today."""
        self._begin()
        self.superuser.run(
            "INSERT INTO crowd SELECT :organization, pg_temp.made_at(now()), pg_temp.made_at(now()), pg_temp.made_at(now()) FROM generate_series(1, :count)",
            organization=model.organization_id,
            count=hosts,
        )
        self._people(model)
        self._bookings(model, bookings)

    def neighbours(self, model: Model, organizations: int, bookings: int) -> None:
        """More organizations, each with one host who has so many bookings."""
        self._begin()
        self.superuser.run(
            "INSERT INTO crowd SELECT pg_temp.made_at(now()), pg_temp.made_at(now()), pg_temp.made_at(now()), pg_temp.made_at(now()) FROM generate_series(1, :count)",
            count=organizations,
        )
        row = copied("o", id="c.organization_id", slug="'crowd-' || c.organization_id", name="'Neighbour'")
        self._copy("organizations", f"crowd c, organizations o, {row} WHERE o.id = :id", id=model.organization_id)
        self._people(model)
        self._bookings(model, bookings)

    def settle(self) -> None:
        """What the database does by itself after a while: it counts and tidies up."""
        self.superuser.run("VACUUM ANALYZE")

    def _begin(self) -> None:
        self.superuser.run("DROP TABLE IF EXISTS crowd")
        self.superuser.run("CREATE TEMP TABLE crowd (organization_id uuid, user_id uuid, schedule_id uuid, event_type_id uuid)")

    def _copy(self, table: str, rest: str, **values: object) -> None:
        self.superuser.run(f"INSERT INTO {table} SELECT r.* FROM {rest}", **values)  # noqa: S608  # names of ours

    def _people(self, model: Model) -> None:
        here = {"organization_id": "c.organization_id"}
        new = "pg_temp.made_at(now())"
        row = copied("u", id="c.user_id", email="c.user_id || '@crowd.test'", username="NULL::text")
        self._copy("users", f"crowd c, users u, {row} WHERE u.id = :id", id=model.user_id)
        mine = "WHERE m.organization_id = :organization AND m.user_id = :user"
        whose = {"organization": model.organization_id, "user": model.user_id}
        row = copied("m", **here, id=new, user_id="c.user_id", role="'MEMBER'")
        self._copy("organization_members", f"crowd c, organization_members m, {row} {mine}", **whose)
        schedule = "(SELECT e.schedule_id FROM scheduling_event_types e WHERE e.organization_id = :organization AND e.id = :event_type)"
        of = {"organization": model.organization_id, "event_type": model.event_type_id}
        row = copied("s", **here, id="c.schedule_id", user_id="c.user_id")
        self._copy("scheduling_schedules", f"crowd c, scheduling_schedules s, {row} WHERE s.organization_id = :organization AND s.id = {schedule}", **of)
        row = copied("s", **here, id=new, schedule_id="c.schedule_id")
        self._copy("scheduling_slots", f"crowd c, scheduling_slots s, {row} WHERE s.organization_id = :organization AND s.schedule_id = {schedule}", **of)
        row = copied("e", **here, id="c.event_type_id", user_id="c.user_id", schedule_id="c.schedule_id")
        self._copy("scheduling_event_types", f"crowd c, scheduling_event_types e, {row} WHERE e.organization_id = :organization AND e.id = :event_type", **of)
        self.superuser.run("INSERT INTO directory_entries (kind, key, organization_id) SELECT 'event_type', event_type_id::text, organization_id FROM crowd")

    def _bookings(self, model: Model, bookings: int) -> None:
        weeks = bookings // (PER_DAY * 5)
        today = date.today()  # noqa: DTZ011  # a day more or less is no matter
        monday = today - timedelta(days=today.weekday() + 7 * (weeks * 5 // 6))
        self.superuser.run("DROP TABLE IF EXISTS meetings")
        self.superuser.run(
            """
            CREATE TEMP TABLE meetings AS
            SELECT c.*, k, pg_temp.made_at(start - interval '5 days') AS id, pg_temp.made_at(start - interval '5 days') AS invitee_id, start,
                CASE WHEN start < now() THEN (ARRAY['CANCELED', 'NO_SHOW', 'COMPLETED'])[least(lot + 1, 3)]
                     ELSE (ARRAY['CANCELED', 'PENDING', 'CONFIRMED'])[least(lot + 1, 3)] END AS status
            FROM crowd c, generate_series(0, :count - 1) k,
                LATERAL (SELECT CAST(:monday AS timestamptz) + make_interval(days => (k / 5) / 5 * 7 + (k / 5) % 5, hours => 8 + k % 5) AS start,
                    (random() * 20)::int AS lot) AS drawn
            ORDER BY start
            """,
            count=bookings,
            monday=f"{monday} 00:00+00",
        )
        here = {"organization_id": "m.organization_id"}
        at = {"organization": model.organization_id, "id": model.booking_id}
        times = {"start_time": "m.start", "end_time": "m.start + interval '30 minutes'", "created_at": "m.start - interval '5 days'"}
        row = copied("i", **here, id="m.invitee_id", email="'visitor-' || m.k || '-' || (random() * 300)::int || '@crowd.test'")
        mine = "i.organization_id = :organization AND i.id = (SELECT b.invitee_id FROM scheduling_bookings b WHERE b.organization_id = :organization AND b.id = :id)"
        self._copy("scheduling_invitees", f"meetings m, scheduling_invitees i, {row} WHERE {mine}", **at)
        row = copied(
            "b", **here, **times, id="m.id", event_type_id="m.event_type_id", host_id="m.user_id", invitee_id="m.invitee_id", status="m.status",
            calendar_uid="m.id", management_token_hash="'crowd-' || m.id",
        )  # fmt: skip
        self._copy("scheduling_bookings", f"meetings m, scheduling_bookings b, {row} WHERE b.organization_id = :organization AND b.id = :id", **at)
        row = copied(
            "h", **here, id="m.id", booking_id="m.id", host_id="m.user_id", status="m.status", start_time="m.start", session_id="m.id",
            held="tstzrange(m.start, m.start + interval '30 minutes')",
        )  # fmt: skip
        self._copy("scheduling_booking_hosts", f"meetings m, scheduling_booking_hosts h, {row} WHERE h.organization_id = :organization AND h.booking_id = :id", **at)
        self.superuser.run("INSERT INTO directory_entries (kind, key, organization_id) SELECT 'management_token', 'crowd-' || id, organization_id FROM meetings")
        self.superuser.run("DROP TABLE meetings")
