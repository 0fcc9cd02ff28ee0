"""A recording's way in and out, through the front door and a real storage."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from sqlalchemy import select, update

from parley.kernel.persistence import transactions
from parley.kernel.persistence.idempotency import IdempotencyRecord
from parley.kernel.postgres import deferred
from parley.kernel.values.ids import new_id
from parley.recordings import uploads
from parley.recordings.media_types import MediaType
from parley.recordings.meeting_states import IllegalMeetingTransition
from parley.recordings.models import Recording
from parley.recordings.schemas import UploadCreate
from tests.harness import Member, World
from tests.recordings.upload_scenarios import BYTES, WEBM, UploadScenario, fetch, take

Pump = Callable[[], int]


@pytest.fixture
def scene(world: World, acme: Member) -> UploadScenario:
    world.pump()
    return take(world, acme)


def test_an_upload_from_asking_to_download(scene: UploadScenario, pump: Pump) -> None:
    assert scene.status == "PENDING"
    upload = scene.upload()
    assert scene.status == "RECORDING"
    assert upload["multipart"] is None
    assert upload["status"] == "PENDING"
    assert scene.send(upload).status == 200
    pump()
    meeting = scene.member.get(f"/v1/recordings/meetings/{scene.meeting_id}").body
    assert meeting["status"] == "PROCESSING"
    assert meeting["recording"]["status"] == "PROCESSING"
    assert meeting["recording"]["raw_size_bytes"] == len(BYTES)
    assert meeting["recording"]["raw_content_type"] == "video/webm"
    assert scene.member.get(f"/v1/recordings/{scene.recording_id}").body == meeting["recording"]
    assert scene.upload_status(upload) == ("COMPLETED", None)
    actions = ("meeting.created", "upload.started", "recording.uploaded", "meeting.status_changed", "upload.rejected")
    assert [scene.audited(action) for action in actions] == [1, 1, 1, 2, 0]

    answer = scene.member.post(f"/v1/recordings/{scene.recording_id}/downloads")
    assert answer.status == 201
    assert (answer.body["size_bytes"], answer.body["content_type"]) == (len(BYTES), "video/webm")
    assert fetch(answer.body["url"]) == (BYTES, f'attachment; filename="recording-{scene.recording_id}.webm"')
    assert scene.audited("recording.downloaded") == 1


def test_what_is_signed(scene: UploadScenario) -> None:
    upload = scene.upload(content_type="audio/mpeg", size_bytes=7)
    query = {name: values[0] for name, values in parse_qs(urlsplit(upload["put"]["url"]).query).items()}
    assert query["X-Amz-SignedHeaders"] == "content-length;content-type;host;if-none-match"
    assert query["X-Amz-Expires"] == "2700"
    assert upload["put"]["headers"] == {"content-length": "7", "content-type": "audio/mpeg", "if-none-match": "*"}
    assert upload["put"]["method"] == "PUT"
    left = datetime.fromisoformat(upload["put"]["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=44) < left < timedelta(minutes=46)
    assert urlsplit(upload["put"]["url"]).path.endswith(
        f"/recordings/{scene.member.organization_id}/{scene.recording_id}/{upload['id']}.mp3"
    )


def test_what_has_arrived_is_not_replaced(scene: UploadScenario, pump: Pump) -> None:
    upload = scene.upload()
    assert scene.send(upload).status == 200
    assert scene.send(upload, BYTES[::-1]).status == 412
    pump()
    answer = scene.member.post(f"/v1/recordings/{scene.recording_id}/downloads")
    assert fetch(answer.body["url"])[0] == BYTES


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (BYTES[:-1], "video/webm", "size_differs"),
        (BYTES + b"!", "video/webm", "size_differs"),
        (BYTES, "text/html", "content_type_differs"),
    ],
)
def test_another_size_or_type_is_put_aside_and_a_new_upload_can_be_asked_for(
    scene: UploadScenario, pump: Pump, body: bytes, content_type: str, reason: str
) -> None:
    # The emulated storage does not check signatures, as the real one does: the worker is the second line.
    upload = scene.upload()
    scene.send(upload, body, {"content-type": content_type})
    pump()
    assert scene.upload_status(upload) == ("REJECTED", reason)
    assert scene.status == "RECORDING"
    assert not scene.lies(scene.key(upload))
    assert scene.recording.raw_key is None
    assert (scene.audited("upload.rejected"), scene.audited("recording.uploaded")) == (1, 0)
    refused = scene.member.post(f"/v1/recordings/{scene.recording_id}/downloads")
    assert (refused.status, refused.body["code"]) == (409, "not_uploaded")

    again = scene.upload()
    scene.send(again)
    pump()
    assert scene.status == "PROCESSING"
    assert scene.recording.raw_key == scene.key(again)


def test_of_two_uploads_the_first_that_arrives_is_the_recording(scene: UploadScenario, pump: Pump) -> None:
    first, second, third = scene.upload(), scene.upload(), scene.upload()
    assert len({upload["put"]["url"] for upload in (first, second, third)}) == 3
    scene.send(second)
    pump()
    assert (scene.status, scene.recording.raw_key) == ("PROCESSING", scene.key(second))
    scene.send(first)
    pump()
    assert scene.recording.raw_key == scene.key(second)
    assert [scene.upload_status(upload)[0] for upload in (first, second, third)] == ["SUPERSEDED", "COMPLETED", "PENDING"]
    assert (scene.lies(scene.key(first)), scene.lies(scene.key(second))) == (False, True)
    assert scene.audited("recording.uploaded") == 1


def test_uploads_asked_for_at_once_move_the_meeting_once(scene: UploadScenario) -> None:
    # A function answers one request at a time, so here its services are what runs in parallel.
    caller, wanted = scene.member.caller, UploadCreate(size_bytes=5, content_type=MediaType.VIDEO_WEBM)
    gate = threading.Barrier(5)

    def ask(_: int) -> UUID:
        with transactions.transaction(caller) as session:
            planned = uploads.plan(session, caller, UUID(scene.meeting_id), wanted)
            gate.wait()
            return uploads.start(session, caller, *planned).id

    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(ask, range(5)))) == 5
    assert scene.status == "RECORDING"
    assert (scene.audited("meeting.status_changed"), len(scene.announced("recordings.meeting_started"))) == (1, 1)


def test_after_the_arrival_no_upload_is_given_out(scene: UploadScenario, pump: Pump) -> None:
    scene.send(scene.upload())
    pump()
    refused = scene.member.post(scene.path, WEBM)
    assert (refused.status, refused.body["code"]) == (409, "illegal_meeting_transition")
    assert (refused.body["current"], refused.body["wanted"]) == ("PROCESSING", "RECORDING")


def test_an_upload_planned_before_the_arrival_is_not_given_out_after_it(scene: UploadScenario, pump: Pump) -> None:
    first, caller = scene.upload(), scene.member.caller
    with transactions.transaction(caller) as session:
        planned = uploads.plan(session, caller, UUID(scene.meeting_id), UploadCreate(size_bytes=5, content_type=MediaType.VIDEO_WEBM))
    scene.send(first)
    pump()
    with pytest.raises(IllegalMeetingTransition), transactions.transaction(caller) as session:
        uploads.start(session, caller, *planned)


def test_an_upload_that_is_given_up_brings_nothing(scene: UploadScenario, pump: Pump) -> None:
    upload = scene.upload()
    answers = [scene.member.delete(f"{scene.path}/{upload['id']}") for _ in range(2)]
    assert [answer.status for answer in answers] == [204, 204]
    assert scene.audited("upload.aborted") == 1
    scene.send(upload)
    pump()
    assert (scene.status, scene.recording.raw_key, scene.lies(scene.key(upload))) == ("RECORDING", None, False)
    kept = scene.upload()
    scene.send(kept)
    pump()
    refused = scene.member.delete(f"{scene.path}/{kept['id']}")
    assert (refused.status, refused.body["code"], refused.body["upload_status"]) == (409, "upload_finished", "COMPLETED")


def test_one_idempotency_key_gives_out_one_upload(scene: UploadScenario) -> None:
    headers = {"idempotency-key": str(new_id())}
    answers = [scene.member.post(scene.path, WEBM, headers) for _ in range(3)]
    assert {(answer.status, answer.raw) for answer in answers} == {(201, answers[0].raw)}
    assert scene.audited("upload.started") == 1
    other = scene.member.post(scene.path, WEBM | {"size_bytes": 1}, headers)
    assert (other.status, other.body["code"]) == (422, "key_reused")


def test_an_answer_with_addresses_is_repeated_while_they_are_good(scene: UploadScenario, pump: Pump) -> None:
    headers = {"idempotency-key": str(new_id())}
    upload = scene.member.post(scene.path, WEBM, headers)
    scene.send(upload.body)
    pump()
    path = f"/v1/recordings/{scene.recording_id}/downloads"
    download = scene.member.post(path, {}, headers)
    with transactions.transaction(scene.member.caller) as session:
        session.execute(update(IdempotencyRecord).values(created_at=datetime.now(UTC) - timedelta(minutes=44)))
    assert (scene.member.post(scene.path, WEBM, headers).raw, scene.member.post(path, {}, headers).raw) == (upload.raw, download.raw)
    with transactions.transaction(scene.member.caller) as session:
        session.execute(update(IdempotencyRecord).values(created_at=datetime.now(UTC) - timedelta(hours=1)))
    assert scene.member.post(scene.path, WEBM, headers).body["code"] == "illegal_meeting_transition"
    assert scene.member.post(path, {}, headers).body["expires_at"] > download.body["expires_at"]
    assert scene.audited("recording.downloaded") == 2


@pytest.mark.parametrize(
    "wanted",
    [
        {"size_bytes": 0},
        {"size_bytes": -1},
        {"size_bytes": 50 * 1024**3 + 1},
        {"size_bytes": 2**63},
        {"size_bytes": 10**400},
        {"size_bytes": 1.5},
        {"size_bytes": "5"},
        {"size_bytes": None},
        {"size_bytes": True},
        {"content_type": "text/html"},
        {"content_type": "video/webm; codecs=vp9"},
        {"content_type": "video/webm\r\nx-amz-acl: public-read"},
        {"content_type": None},
        {"key": "recordings/mine.webm"},
    ],
)
def test_what_is_declared_must_be_something_to_record(scene: UploadScenario, wanted: dict[str, Any]) -> None:
    refused = scene.member.post(scene.path, WEBM | wanted)
    assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
    assert scene.status == "PENDING"


def test_the_owner_may_fetch_and_so_may_who_reads_recordings(scene: UploadScenario, globex: Member, pump: Pump) -> None:
    scene.send(scene.upload())
    pump()
    path = f"/v1/recordings/{scene.recording_id}/downloads"
    assert scene.member.as_role("VIEWER").post(path).status == 201
    foreign, unknown = globex.post(path), globex.post(f"/v1/recordings/{new_id()}/downloads")
    assert (foreign.status, foreign.raw) == (404, unknown.raw)


def test_a_viewer_reads_and_does_not_record(scene: UploadScenario) -> None:
    viewer = scene.member.as_role("VIEWER")
    upload = scene.upload()
    answers = [
        viewer.post(
            "/v1/recordings/meetings",
            {"platform": "YOUTUBE", "url": "https://youtube.com/live/abc", "scheduled_start": "2027-01-01T00:00:00Z"},
        ),
        viewer.post(scene.path, WEBM),
        viewer.get(f"{scene.path}/{upload['id']}/parts"),
        viewer.post(f"{scene.path}/{upload['id']}/complete", {"parts": [{"part_number": 1, "etag": "x"}]}),
        viewer.delete(f"{scene.path}/{upload['id']}"),
    ]
    assert [(answer.status, answer.body["code"]) for answer in answers] == [(403, "missing_scope")] * 5
    assert viewer.get(f"/v1/recordings/meetings/{scene.meeting_id}").status == 200


def test_a_deleted_recording_is_not_there(scene: UploadScenario, pump: Pump) -> None:
    upload = scene.upload()
    with transactions.transaction(scene.member.caller) as session:
        session.scalars(select(Recording)).one().deleted_at = datetime.now(UTC)
    assert scene.member.get(f"/v1/recordings/meetings/{scene.meeting_id}").body["recording"] is None
    assert scene.member.get(f"/v1/recordings/{scene.recording_id}").status == 404
    assert scene.member.post(f"/v1/recordings/{scene.recording_id}/downloads").status == 404
    assert scene.member.get("/v1/recordings").body == {"items": [], "next_cursor": None}
    assert scene.member.post(scene.path, WEBM).status == 404
    scene.send(upload)
    pump()
    assert scene.upload_status(upload)[0] == "SUPERSEDED"
    assert not scene.lies(scene.key(upload))
    with transactions.transaction(scene.member.caller) as session:
        session.add(Recording(meeting_id=UUID(scene.meeting_id), owner_id=scene.member.user_id))  # a living one beside it is allowed


def test_round_trips(scene: UploadScenario, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    kept = transactions._session

    def counting(*setting_up: Any) -> Any:
        from contextlib import contextmanager

        @contextmanager
        def inner() -> Any:
            with kept(*setting_up) as session:
                driver = deferred.driver_connection(session.connection())
                before = driver.round_trips - 1  # the one that began it
                yield session
            counted.append(driver.round_trips - before)

        return inner()

    upload = scene.upload()
    scene.send(upload)
    scene.forget()
    key = scene.key(upload)
    other = take(world, scene.member)
    monkeypatch.setattr(transactions, "_session", counting)
    waiting = other.upload()
    assert counted == [4]
    counted.clear()
    scene.notify(scene.record(key))
    assert counted == [5]
    counted.clear()
    other.member.post(f"/v1/recordings/{scene.recording_id}/downloads")
    assert counted == [3]
    counted.clear()
    other.member.delete(f"{other.path}/{waiting['id']}")
    assert counted == [4]
