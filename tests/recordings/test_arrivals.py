"""Notifications in every order and number: one recording, one announcement."""

from __future__ import annotations

import itertools
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from parley.kernel.aws import boto3_clients
from parley.kernel.values.ids import new_id
from tests.harness import Member, World, recorded
from tests.recordings.upload_scenarios import BYTES, UploadScenario, take

NONE_FAILED: dict[str, list[Any]] = {"batchItemFailures": []}


@pytest.fixture
def scene(world: World, acme: Member) -> UploadScenario:
    world.pump()
    return take(world, acme)


@pytest.fixture
def key(scene: UploadScenario) -> str:
    """The key of an upload whose object has arrived, and nobody was told."""
    upload = scene.upload()
    assert scene.send(upload).status == 200
    scene.forget()
    return scene.key(upload)


def test_one_arrival_is_announced_with_what_came(scene: UploadScenario, key: str) -> None:
    assert scene.notify(scene.record(key)) == NONE_FAILED
    (payload,) = scene.announced()
    assert payload == {
        "recording_id": scene.recording_id,
        "meeting_id": scene.meeting_id,
        "upload_id": key.rpartition("/")[2].removesuffix(".webm"),
        "size_bytes": len(BYTES),
        "content_type": "video/webm",
    }
    assert (scene.recording.raw_key, scene.recording.raw_size_bytes) == (key, len(BYTES))
    assert scene.recording.raw_sequencer == "0055AED6DCD90281E5".ljust(64, "0")


def test_twenty_times_the_same_changes_nothing_more(scene: UploadScenario, key: str) -> None:
    body = json.dumps({"Records": [scene.record(key)]})
    assert scene.tell(body) == NONE_FAILED
    before = scene.everything()
    assert scene.tell(*[body] * 10) == NONE_FAILED
    assert scene.notify(*[scene.record(key)] * 10) == NONE_FAILED
    assert scene.everything() == before


def test_twenty_at_once_are_one(scene: UploadScenario, key: str) -> None:
    gate = threading.Barrier(20)

    def deliver(number: int) -> None:
        gate.wait()
        scene.work(scene.record(key, sequencer=f"0055AED6DCD90281E{number % 2}"))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(deliver, range(20)))
    assert (len(scene.announced()), scene.audited("recording.uploaded")) == (1, 1)
    assert scene.recording.raw_sequencer == "0055AED6DCD90281E1".ljust(64, "0")


def test_two_uploads_that_arrive_at_once_are_one_recording(scene: UploadScenario) -> None:
    uploads = [scene.upload() for _ in range(8)]
    for upload in uploads:
        scene.send(upload)
    scene.forget()
    gate = threading.Barrier(len(uploads))

    records = [scene.record(scene.key(upload)) for upload in uploads]

    def deliver(record: Any) -> None:
        gate.wait()
        scene.work(record)

    with ThreadPoolExecutor(len(uploads)) as pool:
        list(pool.map(deliver, records))
    statuses = [scene.upload_status(upload)[0] for upload in uploads]
    assert sorted(statuses) == ["COMPLETED"] + ["SUPERSEDED"] * 7
    winner = uploads[statuses.index("COMPLETED")]
    assert scene.recording.raw_key == scene.key(winner)
    assert [scene.lies(scene.key(upload)) for upload in uploads] == [upload is winner for upload in uploads]
    assert len(scene.announced()) == 1


SEQUENCERS = ("0055AED6DCD90281E5", "0055AED6DCD90281E50", "0055AED6DCD90281E6", "0055AED6DCD90281F")


@pytest.mark.parametrize(
    "order", list(itertools.permutations(SEQUENCERS)), ids=lambda order: "".join(str(SEQUENCERS.index(sequencer)) for sequencer in order)
)
def test_in_every_order_the_highest_sequencer_stays(scene: UploadScenario, key: str, order: tuple[str, ...]) -> None:
    for sequencer in order:
        assert scene.notify(scene.record(key, sequencer)) == NONE_FAILED
    assert scene.recording.raw_sequencer == "0055AED6DCD90281F".ljust(64, "0")
    assert (len(scene.announced()), scene.audited("recording.uploaded"), scene.status) == (1, 1, "PROCESSING")


def test_what_is_not_an_arrival_changes_nothing(scene: UploadScenario, key: str, globex: Member) -> None:
    before = scene.everything()
    organization_id = scene.member.organization_id
    odd = [
        scene.record(key, event="ObjectRemoved:Delete"),
        scene.record(key, event="ObjectRemoved:Delete", size=None, eTag=None),
        scene.record(key, event="ObjectTagging:Put", sequencer=None),
        scene.record(key.replace(str(organization_id), str(globex.organization_id))),
        scene.record(key.replace(str(organization_id), str(new_id()))),
        scene.record(key.replace(".webm", ".mp4")),
        scene.record(f"recordings/{organization_id}/{new_id()}/{new_id()}.webm"),
        scene.record("recordings/hello+world%21.webm"),
        scene.record("recordings/%FF%00"),
        scene.record(""),
    ]
    assert scene.notify(*odd) == NONE_FAILED
    assert scene.tell(json.dumps(recorded("s3_test_event"))) == NONE_FAILED
    assert scene.tell(json.dumps({"Type": "Notification", "Message": json.dumps(recorded("s3_test_event"))})) == NONE_FAILED
    assert scene.everything() == before
    assert scene.lies(key)


def test_a_key_of_another_organization_is_not_taken(scene: UploadScenario, key: str, globex: Member) -> None:
    """Even if somebody got an object there: the row of the upload is another tenant's, and invisible."""
    foreign_key = key.replace(str(scene.member.organization_id), str(globex.organization_id))
    scene.store(foreign_key)
    before = scene.everything()
    assert scene.notify(scene.record(foreign_key)) == NONE_FAILED
    assert scene.everything() == before
    assert scene.lies(foreign_key)


def test_an_encoded_key_a_version_and_unknown_fields_are_fine(scene: UploadScenario, key: str) -> None:
    encoded = key.replace("/", "%2F").replace("-", "%2D")
    record = scene.record(encoded, versionId="096fKKXTRTtl3on89fVO.nfljtsv6qko", size=None) | {"glacierEventData": {}}
    assert scene.notify(record) == NONE_FAILED
    assert (scene.status, scene.recording.raw_key) == ("PROCESSING", key)


def test_the_recorded_event_works(scene: UploadScenario, key: str) -> None:
    event = recorded("recordings_uploads_queue")
    text = event["Records"][0]["body"]
    s3_entity = json.loads(text)["Records"][0]["s3"]
    event["Records"][0]["body"] = text.replace(s3_entity["object"]["key"], key).replace(s3_entity["bucket"]["name"], scene.bucket)
    assert scene.world.invoke("recordings/on_recording_uploaded", event) == NONE_FAILED
    assert scene.status == "PROCESSING"
    assert scene.world.invoke("recordings/on_recording_uploaded", recorded("recordings_uploads_queue")) == NONE_FAILED


def test_a_poison_record_and_a_poison_message_stay_alone(scene: UploadScenario) -> None:
    others = [take(scene.world, scene.member) for _ in range(2)]
    uploads = [(scenario, scenario.upload()) for scenario in (scene, *others)]
    for scenario, upload in uploads:
        scenario.send(upload)
    scene.forget()
    first, second, third = (scenario.record(scenario.key(upload)) for scenario, upload in uploads)
    broken = scene.record("x")
    del broken["s3"]["object"]["key"]
    answer = scene.tell("no json", json.dumps({"Records": [broken, first, broken, second]}), json.dumps({"Records": [third]}))
    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["message-0", "message-1"]
    assert [scenario.status for scenario, _ in uploads] == ["PROCESSING"] * 3


def test_an_object_that_is_gone_again_changes_nothing(scene: UploadScenario) -> None:
    upload = scene.upload()
    before = scene.everything()
    assert scene.notify(scene.record(scene.key(upload))) == NONE_FAILED
    assert scene.everything() == before
    scene.send(upload)
    scene.world.pump()
    assert scene.status == "PROCESSING"


@pytest.mark.parametrize("fault", ["nobody listens", "no permission"])
def test_a_storage_that_does_not_answer_brings_the_message_back(
    scene: UploadScenario, key: str, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    before = scene.everything()
    with monkeypatch.context() as patched:
        if fault == "no permission":
            from botocore.exceptions import ClientError

            error_response: Any = {"Error": {"Code": "403", "Message": "Forbidden"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
            refusal = ClientError(error_response, "HeadObject")
            patched.setattr(boto3_clients, "client", lambda *_: _Refusing(refusal))
        else:
            patched.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
            boto3_clients.client.cache_clear()
        answer = scene.notify(scene.record(key))
    boto3_clients.client.cache_clear()
    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["message-0"]
    assert scene.everything() == before
    assert scene.notify(scene.record(key)) == NONE_FAILED
    assert scene.status == "PROCESSING"


class _Refusing:
    def __init__(self, refusal: Exception) -> None:
        self._refusal = refusal

    def head_object(self, **_: Any) -> Any:
        raise self._refusal


def test_a_late_notification_of_what_was_put_aside_only_removes_it(scene: UploadScenario) -> None:
    upload = scene.upload()
    key = scene.key(upload)
    scene.store(key, BYTES + b"!")
    assert scene.notify(scene.record(key)) == NONE_FAILED
    assert (scene.upload_status(upload), scene.lies(key)) == (("REJECTED", "size_differs"), False)
    before = scene.everything()
    scene.store(key)  # the address is still valid, and now everything would fit
    assert scene.notify(scene.record(key, "0055AED6DCD90281F")) == NONE_FAILED
    assert scene.everything() == before
    assert not scene.lies(key)


def test_an_accepted_object_that_somebody_changed_is_never_removed(scene: UploadScenario, key: str) -> None:
    scene.notify(scene.record(key))
    before = scene.everything()
    scene.store(key, b"other bytes")
    assert scene.notify(scene.record(key, "0055AED6DCD90281F")) == NONE_FAILED
    assert scene.everything() == before
    assert scene.lies(key)


def test_a_meeting_that_failed_meanwhile_keeps_its_bytes_and_its_status(scene: UploadScenario, key: str) -> None:
    from sqlalchemy import select

    from parley.kernel.persistence import transactions
    from parley.recordings.models import Meeting, MeetingStatus

    with transactions.transaction(scene.member.caller) as session:
        session.scalars(select(Meeting)).one().status = MeetingStatus.FAILED
    assert scene.notify(scene.record(key)) == NONE_FAILED
    assert (scene.status, scene.recording.raw_key) == ("FAILED", key)
    assert scene.member.post(scene.path, {"size_bytes": 1, "content_type": "video/webm"}).body["code"] == "illegal_meeting_transition"


def test_the_bucket_is_the_one_of_the_environment(scene: UploadScenario) -> None:
    assert os.environ["MEDIA_BUCKET"] == scene.bucket
