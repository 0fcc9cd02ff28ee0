"""Revision 0012 on data: forms go when it does, with what was asked and answered; event types and bookings keep theirs."""

from __future__ import annotations

import pg8000.native
import pytest

from parley.kernel.postgres import migrations
from tests.scheduling.test_scheduling_migration import EVENT_TYPE, HOUSE, INVITEE, ORGANIZATION, USER, database

__all__ = ["database"]  # a fixture

FORM, SUBMISSION, BOOKING = (f"01900000-0000-7000-8000-00000000003{n}" for n in range(3))
ASKED, OF_FORM = (f"01900000-0000-7000-8000-00000000004{n}" for n in range(2))
FORMS = f"""
    INSERT INTO scheduling_routing_forms (organization_id, id, name, slug, is_active, fallback_event_type_id, created_at, updated_at)
    VALUES ('{ORGANIZATION}', '{FORM}', 'Who', 'who', true, '{EVENT_TYPE}', now(), now());
    INSERT INTO scheduling_questions (organization_id, id, event_type_id, form_id, position, label, type, required, options)
    VALUES ('{ORGANIZATION}', '{ASKED}', '{EVENT_TYPE}', NULL, 0, 'Why', 'SHORT_TEXT', false, '{{}}'),
           ('{ORGANIZATION}', '{OF_FORM}', NULL, '{FORM}', 0, 'Who', 'SHORT_TEXT', false, '{{}}');
    INSERT INTO scheduling_routing_rules (organization_id, id, form_id, position, event_type_id, question_id, operator, value)
    VALUES ('{ORGANIZATION}', '{FORM}', '{FORM}', 0, '{EVENT_TYPE}', '{OF_FORM}', 'EQUALS', '"me"');
    INSERT INTO scheduling_routing_conditions (organization_id, id, rule_id, position, question_id, operator, value)
    VALUES ('{ORGANIZATION}', '{FORM}', '{FORM}', 0, '{OF_FORM}', 'IN', '["me"]');
    INSERT INTO scheduling_routing_submissions (organization_id, id, form_id, outcome, matched_event_type_id, created_at, updated_at)
    VALUES ('{ORGANIZATION}', '{SUBMISSION}', '{FORM}', 'EVENT_TYPE', '{EVENT_TYPE}', now(), now());
    INSERT INTO scheduling_bookings (organization_id, id, event_type_id, host_id, invitee_id, status, start_time, end_time, timezone,
        sequence, management_token_hash, calendar_uid, routing_submission_id, created_at, updated_at)
    VALUES ('{ORGANIZATION}', '{BOOKING}', '{EVENT_TYPE}', '{USER}', '{INVITEE}', 'CONFIRMED', '2027-01-04T10:00Z', '2027-01-04T10:30Z',
        'UTC', 0, 'x', '{BOOKING}', '{SUBMISSION}', now(), now());
    INSERT INTO scheduling_answers (organization_id, id, booking_id, submission_id, question_id, value)
    VALUES ('{ORGANIZATION}', '{BOOKING}', '{BOOKING}', NULL, '{ASKED}', '"because"'),
           ('{ORGANIZATION}', '{SUBMISSION}', NULL, '{SUBMISSION}', '{OF_FORM}', '"me"');
"""


NONSENSE = (
    f"UPDATE scheduling_questions SET form_id = '{FORM}' WHERE id = '{ASKED}'",
    f"UPDATE scheduling_answers SET submission_id = NULL WHERE id = '{SUBMISSION}'",
    "UPDATE scheduling_routing_forms SET fallback_url = 'https://x.example'",
    f"UPDATE scheduling_routing_submissions SET outcome = 'NONE' WHERE id = '{SUBMISSION}'",
)


def test_forms_go_and_the_rest_stays(database: pg8000.native.Connection) -> None:
    migrations.upgrade("0008_webhooks")
    database.run(HOUSE)
    migrations.upgrade()
    database.run(FORMS)
    for wrong in NONSENSE:
        with pytest.raises(pg8000.native.DatabaseError) as refused:
            database.run(wrong)
        assert refused.value.args[0]["C"] == "23514", wrong

    migrations.downgrade("0011_workflows")
    assert database.run("SELECT id::text FROM scheduling_questions") == [[ASKED]]
    assert database.run("SELECT id::text FROM scheduling_answers") == [[BOOKING]]
    assert database.run("SELECT id::text FROM scheduling_bookings") == [[BOOKING]]
    migrations.upgrade()
    assert database.run("SELECT count(*) FROM scheduling_questions WHERE event_type_id IS NOT NULL") == [[1]]
    unforced = "SELECT count(*) FROM pg_class WHERE relname LIKE 'scheduling_%' AND relkind = 'r' AND NOT relforcerowsecurity"
    assert database.run(unforced) == [[0]]
