"""Revision 0009 on data: what a booking holds moves into rows of its own, and back."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pg8000.native
import pytest

from parley.kernel.postgres import migrations
from tests.harness import World

ORGANIZATION, USER = "01900000-0000-7000-8000-000000000002", "01900000-0000-7000-8000-000000000001"
SCHEDULE, EVENT_TYPE, INVITEE = (f"01900000-0000-7000-8000-00000000001{n}" for n in range(3))
BOOKINGS = [f"01900000-0000-7000-8000-00000000002{n}" for n in range(3)]
HOUSE = f"""
    INSERT INTO users (id, email, timezone, locale, status, created_at, updated_at)
    VALUES ('{USER}', 'ada@acme.test', 'UTC', 'en', 'ACTIVE', now(), now());
    INSERT INTO organizations (id, name, slug, timezone, plan, sso_enabled, scim_enabled, owner_id, created_at, updated_at)
    VALUES ('{ORGANIZATION}', 'Acme', 'acme', 'UTC', 'FREE', false, false, '{USER}', now(), now());
    INSERT INTO scheduling_schedules (organization_id, id, user_id, name, timezone, is_default, created_at, updated_at)
    VALUES ('{ORGANIZATION}', '{SCHEDULE}', '{USER}', 'Office', 'UTC', true, now(), now());
    INSERT INTO scheduling_event_types (organization_id, id, user_id, schedule_id, name, slug, kind, duration, buffer_before, buffer_after,
        min_notice, location_type, is_active, created_at, updated_at)
    VALUES ('{ORGANIZATION}', '{EVENT_TYPE}', '{USER}', '{SCHEDULE}', 'Call', 'call', 'ONE_ON_ONE', 30, 0, 10, 0, 'PHONE', true,
        now(), now());
    INSERT INTO scheduling_invitees (organization_id, id, email, name, timezone)
    VALUES ('{ORGANIZATION}', '{INVITEE}', 'Grace@visitor.example', 'Grace', 'UTC');
"""
BOOKING = """
    INSERT INTO scheduling_bookings (organization_id, id, event_type_id, host_id, invitee_id, status, start_time, end_time, held, timezone,
        sequence, management_token_hash, created_at, updated_at)
    VALUES ('{organization}', '{id}', '{event_type}', '{user}', '{invitee}', '{status}', '2027-01-04T{hour}:00Z', '2027-01-04T{hour}:30Z',
        tstzrange('2027-01-04T{hour}:00Z', '2027-01-04T{hour}:40Z'), 'UTC', 0, '{id}', now(), now());
"""


@pytest.fixture
def database(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[pg8000.native.Connection]:
    name = f"scheduling_{os.getpid()}"
    world.stack.postgres.create_database(name)
    monkeypatch.setenv("DATABASE_OWNER_URL", world.stack.postgres.url("parley_owner", name))
    with world.stack.postgres.superuser(name) as connection:
        yield connection
    with world.stack.postgres.superuser() as connection:
        connection.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_what_bookings_hold_moves_and_comes_back(database: pg8000.native.Connection) -> None:
    migrations.upgrade("0008_webhooks")
    database.run(HOUSE)
    for id_, status, hour in zip(BOOKINGS, ("CONFIRMED", "CANCELED", "PENDING"), ("10", "10", "12"), strict=True):
        ids = {"organization": ORGANIZATION, "event_type": EVENT_TYPE, "user": USER, "invitee": INVITEE}
        database.run(BOOKING.format(id=id_, status=status, hour=hour, **ids))
    held = "SELECT id::text, held::text FROM scheduling_bookings ORDER BY id"
    before = database.run(held)

    migrations.upgrade()
    rows = database.run(
        "SELECT booking_id::text, held::text, status::text, session_id = booking_id, seat FROM scheduling_booking_hosts ORDER BY 1"
    )
    assert [row[:2] for row in rows] == before
    assert [row[2:] for row in rows] == [["CONFIRMED", True, 1], ["CANCELED", True, 1], ["PENDING", True, 1]]
    marks = database.run("SELECT calendar_uid = id, confirmed_at IS NOT NULL FROM scheduling_bookings ORDER BY id")
    assert marks == [[True, True], [True, True], [True, False]]
    assert database.run("SELECT organization_id::text FROM directory_entries WHERE kind = 'organization_slug' AND key = 'acme'") == [
        [ORGANIZATION]
    ]
    # A status carries over, and holds or frees the time.
    database.run(f"UPDATE scheduling_bookings SET status = 'CANCELED' WHERE id = '{BOOKINGS[0]}'")
    assert database.run(f"SELECT status::text FROM scheduling_booking_hosts WHERE booking_id = '{BOOKINGS[0]}'") == [["CANCELED"]]
    database.run(f"UPDATE scheduling_bookings SET status = 'CONFIRMED' WHERE id = '{BOOKINGS[1]}'")
    with pytest.raises(pg8000.native.DatabaseError, match="ex_scheduling_booking_hosts_host_time"):
        database.run(f"UPDATE scheduling_bookings SET status = 'CONFIRMED' WHERE id = '{BOOKINGS[0]}'")
    database.run("UPDATE organizations SET slug = 'acme-two'")
    slugs = "SELECT key, released_at IS NULL FROM directory_entries WHERE kind = 'organization_slug' ORDER BY key"
    assert database.run(slugs) == [["acme", False], ["acme-two", True]]  # the old one leads on

    # Two seats of one session: the schema before holds one of them.
    database.run(f"UPDATE scheduling_booking_hosts SET session_id = '{BOOKINGS[1]}' WHERE booking_id = '{BOOKINGS[0]}'")
    database.run(f"UPDATE scheduling_booking_hosts SET seat = 2 WHERE booking_id = '{BOOKINGS[1]}'")
    database.run(f"UPDATE scheduling_bookings SET status = 'CONFIRMED' WHERE id = '{BOOKINGS[0]}'")
    migrations.downgrade("0008_webhooks")
    assert database.run(held) == before
    assert database.run("SELECT status::text FROM scheduling_bookings ORDER BY id") == [["CONFIRMED"], ["CANCELED"], ["PENDING"]]
    migrations.upgrade()
