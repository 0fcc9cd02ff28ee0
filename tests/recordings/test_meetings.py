"""Meetings and recordings as the API takes and shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from parley.kernel.persistence import column_encryption, transactions
from parley.kernel.postgres.integrity_errors import constraint
from parley.kernel.values.ids import new_id
from parley.recordings import meeting_states, meeting_urls, service
from parley.recordings.models import BotAccount, Meeting, MeetingPlatform, MeetingStatus, Recording
from tests.harness import Member
from tests.recordings.upload_scenarios import MEETING

PATH = "/v1/recordings/meetings"


def test_a_meeting_comes_with_its_recording(acme: Member) -> None:
    answer = acme.post(PATH, MEETING)
    assert answer.status == 201
    meeting, recording = answer.body, answer.body["recording"]
    assert (meeting["platform"], meeting["url"], meeting["status"]) == ("TEAMS", MEETING["url"], "PENDING")
    assert (meeting["scheduled_start"], meeting["scheduled_end"]) == ("2027-03-01T09:00:00Z", "2027-03-01T09:30:00Z")
    assert (meeting["duration"], meeting["error"]) == (None, None)
    assert (recording["meeting_id"], recording["room_id"], recording["owner_id"]) == (meeting["id"], None, str(acme.user_id))
    assert (recording["status"], recording["encoding_status"], recording["raw_size_bytes"]) == (None, "PENDING", None)
    assert acme.get(f"{PATH}/{meeting['id']}").body == meeting
    assert acme.get(f"/v1/recordings/{recording['id']}").body == recording


def test_the_end_may_be_open(acme: Member) -> None:
    wanted = {name: value for name, value in MEETING.items() if name != "scheduled_end"}
    assert acme.post(PATH, wanted).body["scheduled_end"] is None
    assert acme.post(PATH, wanted | {"scheduled_end": None}).status == 201


@pytest.mark.parametrize(
    ("platform", "url"),
    [
        ("TEAMS", "https://teams.microsoft.com/l/meetup-join/19%3ameeting_N2Y%40thread.v2/0?context=%7b%22Tid%22%3a%22x%22%7d"),
        ("TEAMS", "https://teams.microsoft.com/meet/2345678901234?p=AbC"),
        ("TEAMS", "https://teams.live.com/meet/9312345678?p=abc"),
        ("SLACK", "https://app.slack.com/huddle/T012AB3CD/C012AB3CD"),
        ("SLACK", "https://acme.enterprise.slack.com/huddle/T1/C1"),
        ("YOUTUBE", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"),
        ("YOUTUBE", "https://youtube.com/watch?app=desktop&v=dQw4w9WgXcQ&t=1s"),
        ("YOUTUBE", "https://m.youtube.com/live/jfKfPfyJRdk?si=x"),
    ],
)
def test_addresses_that_the_platforms_give_out(acme: Member, platform: str, url: str) -> None:
    answer = acme.post(PATH, MEETING | {"platform": platform, "url": url})
    assert (answer.status, answer.body["url"]) == (201, url)


@pytest.mark.parametrize(
    ("platform", "url"),
    [
        ("SLACK", MEETING["url"]),
        ("TEAMS", "http://teams.microsoft.com/l/meetup-join/x"),
        ("TEAMS", "https://teams.microsoft.com.evil.example/l/meetup-join/x"),
        ("TEAMS", "https://teams.microsoft.com@evil.example/l/meetup-join/x"),
        ("TEAMS", "https://user:pass@teams.microsoft.com/l/meetup-join/x"),
        ("TEAMS", "https://teams.microsoft.com:8443/l/meetup-join/x"),
        ("TEAMS", "https://teams.microsoft.com./l/meetup-join/x"),
        ("TEAMS", "https://teams.micr\u043esoft.com/l/meetup-join/x"),
        ("TEAMS", "https://teams.microsoft.com/l/meetup-join/"),
        ("TEAMS", "https://teams.microsoft.com/l/meetup-join/../channel/x"),
        ("TEAMS", "https://teams.microsoft.com/l/meetup-join//evil.example"),
        ("TEAMS", "https://teams.microsoft.com/meet/?p=x"),
        ("TEAMS", "https://teams.microsoft.com/l/channel/x"),
        ("TEAMS", "https://teams.live.com/meet"),
        ("SLACK", "https://slack.com/huddle/T/C"),
        ("SLACK", "https://evilslack.com/huddle/T/C"),
        ("SLACK", "https://evil.example/x.slack.com/huddle/T/C"),
        ("SLACK", "https://app.slack.com/archives/C1"),
        ("SLACK", "https://-.slack.com/huddle/T/C"),
        ("SLACK", "https://app.slack.com/huddle/#T"),
        ("YOUTUBE", "https://www.youtube.com/watch?v="),
        ("YOUTUBE", "https://www.youtube.com/watch?list=v=x"),
        ("YOUTUBE", "https://www.youtube.com/@someone"),
        ("YOUTUBE", "https://www.youtube.com/watch?v=abc def"),
        ("YOUTUBE", "https://www.youtube.com/watch?v=abc\n"),
        ("YOUTUBE", "https://www.youtube.com/watch?v=abc\u0000"),
        ("YOUTUBE", "https://www.youtube.com/watch?v=日本"),
        ("YOUTUBE", "javascript:alert(1)//www.youtube.com/watch?v=abc"),
        ("YOUTUBE", "https://www.youtube.com/watch?v=" + "a" * 2000),
        ("YOUTUBE", ""),
        ("ZOOM", "https://zoom.us/j/1"),
        ("YOUTUBE", None),
        ("YOUTUBE", 7),
    ],
)
def test_other_addresses_are_refused(acme: Member, platform: str, url: Any) -> None:
    refused = acme.post(PATH, MEETING | {"platform": platform, "url": url})
    assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")


def test_a_hostile_address_costs_no_time() -> None:
    from time import perf_counter

    hostile = [
        "https://www.youtube.com/watch?" + "&v=a" * 490 + "\u00e9",
        "https://" + "a." * 980 + "slack.com/huddl",
        "https://a" + "a-" * 990,
    ]
    started = perf_counter()
    assert not any(meeting_urls.is_meeting_url(platform, url) for platform in MeetingPlatform for url in hostile)
    assert perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "wanted",
    [
        {"scheduled_end": MEETING["scheduled_start"]},
        {"scheduled_end": "2027-03-01T08:59:59Z"},
        {"scheduled_start": "2027-03-01T09:00:00"},
        {"scheduled_start": "yesterday"},
        {"scheduled_start": None},
        {"scheduled_start": "0001-01-01T00:00:00+23:59"},
        {"status": "READY"},
        {"organization_id": str(new_id())},
        {"container_id": "x"},
    ],
)
def test_a_meeting_that_can_not_be(acme: Member, wanted: dict[str, Any]) -> None:
    assert acme.post(PATH, MEETING | wanted).status == 422


def test_one_idempotency_key_is_one_meeting(acme: Member) -> None:
    headers = {"idempotency-key": str(new_id())}
    answers = [acme.post(PATH, MEETING, headers) for _ in range(3)]
    assert {(answer.status, answer.raw) for answer in answers} == {(201, answers[0].raw)}
    assert acme.rows(select(func.count()).select_from(Meeting)) == [1]


def test_lists_page_newest_first_and_show_only_ones_own(acme: Member, globex: Member) -> None:
    globex.post(PATH, MEETING)
    made = [
        acme.post(PATH, MEETING | {"scheduled_start": f"2027-0{month}-01T00:00:00Z", "scheduled_end": None}).body
        for month in (3, 1, 2, 4, 4)
    ]
    by_start = sorted(made, key=lambda meeting: (meeting["scheduled_start"], meeting["id"]), reverse=True)
    seen, cursor = [], None
    while True:
        page = acme.get(PATH, limit=2, cursor=cursor).body
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [meeting["id"] for meeting in seen] == [meeting["id"] for meeting in by_start]
    assert "recording" not in seen[0]
    recordings = acme.get("/v1/recordings").body["items"]
    assert [meeting["id"] for meeting in recordings] == sorted((meeting["recording"]["id"] for meeting in made), reverse=True)
    assert acme.get("/v1/recordings", cursor="nonsense").body["code"] == "bad_cursor"


@pytest.mark.parametrize("path", [PATH, "/v1/recordings"])
def test_what_is_another_tenants_is_unknown(acme: Member, globex: Member, path: str) -> None:
    meeting = acme.post(PATH, MEETING).body
    resource_id = meeting["id"] if path == PATH else meeting["recording"]["id"]
    foreign, unknown = globex.get(f"{path}/{resource_id}"), globex.get(f"{path}/{new_id()}")
    assert (foreign.status, foreign.raw) == (404, unknown.raw)
    assert globex.get(path).body["items"] == []
    if path == PATH:
        wanted = {"size_bytes": 5, "content_type": "video/webm"}
        foreign, unknown = globex.post(f"{path}/{resource_id}/uploads", wanted), globex.post(f"{path}/{new_id()}/uploads", wanted)
        assert (foreign.status, foreign.raw) == (404, unknown.raw)


def test_a_list_costs_three_round_trips_however_long(acme: Member) -> None:
    from parley.recordings.schemas import MeetingCreate

    def costs() -> list[int]:
        with transactions.transaction(acme.caller) as session:
            before = transactions.round_trips(session)
            service.list_meetings(session, None, 50)
            service.list_recordings(session, None, 50)
            return [transactions.round_trips(session) - before]

    few = costs()
    with transactions.transaction(acme.caller) as session:
        before = transactions.round_trips(session)
        for _ in range(60):
            service.create_meeting(session, acme.caller, MeetingCreate.model_validate(MEETING))
        session.flush()
        assert transactions.round_trips(session) - before <= 3  # rows travel together
    assert few == costs() == [2]


def test_a_meeting_moves_as_the_table_says() -> None:
    assert set(meeting_states.TRANSITIONS) == set(MeetingStatus)
    assert {(source.value, target.value) for target in MeetingStatus for source in meeting_states.sources(target)} == {
        ("PENDING", "RECORDING"),
        ("RECORDING", "PROCESSING"),
        ("PROCESSING", "READY"),
        ("PENDING", "FAILED"),
        ("RECORDING", "FAILED"),
        ("PROCESSING", "FAILED"),
    }


@pytest.mark.parametrize("status", ["PROCESSING", "READY", "FAILED"])
def test_no_upload_is_given_out_for_a_meeting_that_is_over(acme: Member, status: str) -> None:
    meeting = acme.post(PATH, MEETING).body
    with transactions.transaction(acme.caller) as session:
        session.scalars(select(Meeting)).one().status = MeetingStatus(status)
    refused = acme.post(f"{PATH}/{meeting['id']}/uploads", {"size_bytes": 5, "content_type": "video/webm"})
    assert (refused.status, refused.body["code"], refused.body["current"]) == (409, "illegal_meeting_transition", status)


@pytest.mark.parametrize(
    ("values", "violated"),
    [
        ({}, "ck_recordings_recordings_one_source"),
        ({"meeting_id": None, "room_id": None}, "ck_recordings_recordings_one_source"),
        ({"room_id": new_id(), "meeting_id": "mine"}, "ck_recordings_recordings_one_source"),
        ({"meeting_id": "mine"}, "uq_recordings_recordings_meeting_id"),
        ({"meeting_id": "theirs"}, "fk_recordings_recordings_organization_id"),
        ({"room_id": new_id(), "raw_key": "x"}, "ck_recordings_recordings_raw_whole"),
    ],
)
def test_the_database_holds_the_rules(acme: Member, globex: Member, values: dict[str, Any], violated: str) -> None:
    ids = {"mine": acme.post(PATH, MEETING).body["id"], "theirs": globex.post(PATH, MEETING).body["id"]}
    values = {name: UUID(ids[value]) if value in ids else value for name, value in values.items()}
    with pytest.raises(DBAPIError) as caught, transactions.transaction(acme.caller) as session:
        session.add(Recording(**values))
    assert constraint(caught.value).startswith(violated)


def test_a_room_has_many_recordings(acme: Member) -> None:
    room = new_id()
    with transactions.transaction(acme.caller) as session:
        session.add_all([Recording(room_id=room) for _ in range(3)])
    assert acme.rows(select(func.count()).select_from(Recording)) == [3]


def test_the_credentials_of_a_bot_are_sealed(acme: Member) -> None:
    with transactions.transaction(acme.caller) as session:
        account = BotAccount(platform=MeetingPlatform.TEAMS)
        session.add(account)
        with session.no_autoflush:
            column_encryption.seal(session, account, "credentials", "cookie-canary")
    with transactions.transaction(acme.caller) as session:
        bot_account = session.scalars(select(BotAccount)).one()
        assert column_encryption.unseal(session, bot_account, "credentials") == "cookie-canary"
        assert b"canary" not in bot_account.credentials.token
        meeting = Meeting(platform=MeetingPlatform.TEAMS, url="x", scheduled_start=datetime.now(UTC), bot_account_id=bot_account.id)
        session.add(meeting)
