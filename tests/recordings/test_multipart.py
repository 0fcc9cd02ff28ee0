"""Large uploads: parts with exact sizes, put together by the storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select

from local.client import Answer
from parley.kernel.aws import boto3_clients
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from parley.recordings import media_types, presigned_urls
from parley.recordings.models import Upload
from tests.harness import Member, World
from tests.recordings.upload_scenarios import UploadScenario, put, take

MIB = 1024 * 1024
Pump = Callable[[], int]


@pytest.fixture
def scene(world: World, acme: Member) -> UploadScenario:
    world.pump()
    return take(world, acme)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Multipart from 11 MiB, so that a test moves less: three parts of 5 MiB at most, as the storage demands."""
    monkeypatch.setattr(media_types, "MULTIPART_FROM_BYTES", 11 * MIB)
    monkeypatch.setattr(media_types, "SMALLEST_PART_BYTES", 5 * MIB)


def contents(size: int) -> bytes:
    return bytes(range(256)) * (size // 256) + b"\x00" * (size % 256)


def sent(upload: Any, whole: bytes) -> list[dict[str, Any]]:
    """Send every part; their numbers and ETags."""
    done, at = [], 0
    for part in upload["multipart"]["parts"]:
        answer = put(part["request"]["url"], whole[at : at + part["size_bytes"]], part["request"]["headers"])
        assert answer.status == 200, answer.raw
        done.append({"part_number": part["part_number"], "etag": answer.headers["etag"]})
        at += part["size_bytes"]
    assert at == len(whole)
    return done


def complete(scene: UploadScenario, upload: Any, parts: list[dict[str, Any]]) -> Answer:
    return scene.member.post(f"{scene.path}/{upload['id']}/complete", {"parts": parts})


def test_a_large_upload_from_asking_to_download(scene: UploadScenario, pump: Pump) -> None:
    whole = contents(64 * MIB + 5)
    upload = scene.upload(size_bytes=len(whole))
    assert upload["put"] is None
    assert (upload["multipart"]["part_size_bytes"], upload["multipart"]["part_count"], upload["multipart"]["next_part"]) == (
        8 * MIB,
        9,
        None,
    )
    assert [part["size_bytes"] for part in upload["multipart"]["parts"]] == [8 * MIB] * 8 + [5]
    parts = sent(upload, whole)
    pump()
    assert scene.status == "RECORDING"
    answer = complete(scene, upload, parts[::-1])
    assert (answer.status, answer.body["status"]) == (202, "PENDING")
    pump()
    assert (scene.status, scene.recording.raw_size_bytes, scene.recording.raw_content_type) == ("PROCESSING", len(whole), "video/webm")
    assert scene.audited("recording.uploaded") == 1
    again = complete(scene, upload, parts)
    assert (again.status, again.body["status"]) == (202, "COMPLETED")


@pytest.mark.usefixtures("small_parts")
def test_a_part_is_signed_with_its_size(scene: UploadScenario) -> None:
    upload = scene.upload(size_bytes=11 * MIB)
    last = upload["multipart"]["parts"][-1]
    query = {name: values[0] for name, values in parse_qs(urlsplit(last["request"]["url"]).query).items()}
    assert query["X-Amz-SignedHeaders"] == "content-length;host"
    assert (query["partNumber"], last["request"]["headers"]) == ("3", {"content-length": str(1 * MIB)})
    assert query["uploadId"] == scene.member.rows(select(Upload.multipart_id))[0]
    left = datetime.fromisoformat(upload["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("quoted", [True, False])
def test_etags_come_with_quotes_or_without(scene: UploadScenario, pump: Pump, quoted: bool) -> None:
    whole = contents(11 * MIB)
    upload = scene.upload(size_bytes=len(whole))
    parts = [part | {"etag": f'"{part["etag"].strip(chr(34))}"' if quoted else part["etag"].strip('"')} for part in sent(upload, whole)]
    assert complete(scene, upload, parts).status == 202
    pump()
    assert scene.status == "PROCESSING"


@pytest.mark.usefixtures("small_parts")
def test_wrong_parts_are_refused_and_the_right_ones_still_taken(scene: UploadScenario, pump: Pump) -> None:
    whole = contents(11 * MIB)
    upload = scene.upload(size_bytes=len(whole))
    first, two, three = sent(upload, whole)
    wrong = [
        [first, two],
        [first, two, two],
        [first, two, three, three],
        [first, two, three | {"part_number": 4}],
        [first, two, three | {"etag": "0" * 32}],
        [first, two | {"etag": first["etag"]}, three | {"etag": "nothing"}],
    ]
    answers = [complete(scene, upload, parts) for parts in wrong]
    assert [(answer.status, answer.body["code"]) for answer in answers] == [(422, "wrong_parts")] * len(wrong)
    pump()
    assert scene.status == "RECORDING"
    assert complete(scene, upload, [three, first, two]).status == 202
    pump()
    assert scene.status == "PROCESSING"


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [{"part_number": 0, "etag": "x"}],
        [{"part_number": 10_001, "etag": "x"}],
        [{"part_number": "1", "etag": "x"}],
        [{"part_number": 1, "etag": ""}],
        [{"part_number": 1, "etag": 'x"><x'}],
        [{"part_number": 1, "etag": "x" * 103}],
        [{"part_number": 1}],
        [{"part_number": 1, "etag": "x", "size": 1}],
        [{"part_number": number, "etag": "x"} for number in range(1, 10_002)],
    ],
    ids=lambda parts: str(parts)[:40],
)
@pytest.mark.usefixtures("small_parts")
def test_what_is_no_list_of_parts(scene: UploadScenario, parts: list[dict[str, Any]]) -> None:
    upload = scene.upload(size_bytes=11 * MIB)
    refused = complete(scene, upload, parts)
    assert (refused.status, refused.body["code"]) == (422, "invalid_request")


def test_ten_thousand_parts_are_no_too_large_body_and_a_megabyte_is(scene: UploadScenario) -> None:
    upload = scene.upload(size_bytes=64 * MIB)
    many = [{"part_number": number, "etag": f'"{number:032x}"'} for number in range(1, 10_001)]
    refused = complete(scene, upload, many)
    assert (refused.status, refused.body["code"]) == (422, "wrong_parts")
    path = f"{scene.path}/{upload['id']}/complete"
    assert scene.member.request("POST", path, b'{"parts":"' + b"x" * 1024 * 1024 + b'"}').status == 413
    assert scene.member.request("POST", scene.path, b'{"parts":"' + b"x" * 300_000 + b'"}').status == 413


def test_many_parts_come_in_pages(scene: UploadScenario) -> None:
    upload = scene.upload(size_bytes=media_types.LARGEST_BYTES)
    first = upload["multipart"]
    assert (first["part_count"], len(first["parts"]), first["next_part"]) == (6400, 200, 201)
    path = f"{scene.path}/{upload['id']}/parts"
    seen, at = [part["part_number"] for part in first["parts"]], first["next_part"]
    while at is not None:
        page = scene.member.get(path, first=at).body
        seen += [part["part_number"] for part in page["parts"]]
        at = page["next_part"]
    assert seen == list(range(1, 6401))
    last = scene.member.get(path, first=6400, limit=1).body
    assert (len(last["parts"]), last["next_part"]) == (1, None)
    beyond = scene.member.get(path, first=6401).body
    assert (beyond["parts"], beyond["next_part"]) == ([], None)
    for query in ({"first": 0}, {"first": 10_001}, {"limit": 0}, {"limit": presigned_urls.PARTS_AT_ONCE + 1}, {"first": "x"}):
        assert scene.member.get(path, **query).status == 422


def test_an_answer_with_all_its_addresses_stays_small(scene: UploadScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENANT_ROLE_ARN")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjE" + "A+/=" * 300)
    answer = scene.member.post(scene.path, {"size_bytes": media_types.LARGEST_BYTES, "content_type": "video/webm"})
    assert answer.status == 201
    assert len(answer.raw) < 1024 * 1024


@pytest.mark.usefixtures("small_parts")
def test_given_up_the_storage_forgets_the_parts(scene: UploadScenario) -> None:
    upload = scene.upload(size_bytes=11 * MIB)
    parts = sent(upload, contents(11 * MIB))
    s3 = scene.world.stack.clients.s3
    waiting = {entry["Key"] for entry in s3.list_multipart_uploads(Bucket=scene.bucket).get("Uploads", [])}
    assert scene.key(upload) in waiting
    answers = [scene.member.delete(f"{scene.path}/{upload['id']}") for _ in range(2)]
    assert [answer.status for answer in answers] == [204, 204]
    waiting = {entry["Key"] for entry in s3.list_multipart_uploads(Bucket=scene.bucket).get("Uploads", [])}
    assert scene.key(upload) not in waiting
    for refused in (complete(scene, upload, parts), scene.member.get(f"{scene.path}/{upload['id']}/parts")):
        assert (refused.status, refused.body["code"]) == (409, "upload_finished")


@pytest.mark.usefixtures("small_parts")
def test_an_upload_that_was_not_completed_in_time(scene: UploadScenario) -> None:
    upload = scene.upload(size_bytes=11 * MIB)
    parts = sent(upload, contents(11 * MIB))
    with transactions.transaction(scene.member.caller) as session:
        session.scalars(select(Upload)).one().expires_at = datetime.now(UTC) - timedelta(seconds=1)
    for refused in (complete(scene, upload, parts), scene.member.get(f"{scene.path}/{upload['id']}/parts")):
        assert (refused.status, refused.body["code"]) == (409, "upload_expired")


class Forgetful:
    """The storage, as it answers for a multipart upload that it knows no more; the emulated one breaks there."""

    def __init__(self, real: Any) -> None:
        self.head_object = real.head_object

    def complete_multipart_upload(self, **_: Any) -> Any:
        error_response: Any = {"Error": {"Code": "NoSuchUpload", "Message": "Gone."}, "ResponseMetadata": {"HTTPStatusCode": 404}}
        raise ClientError(error_response, "CompleteMultipartUpload")


@pytest.mark.usefixtures("small_parts")
def test_completed_again_after_a_lost_answer(scene: UploadScenario, pump: Pump, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = contents(11 * MIB)
    upload = scene.upload(size_bytes=len(whole))
    parts = sent(upload, whole)
    real = boto3_clients.client("s3")
    with monkeypatch.context() as patched:
        patched.setattr(boto3_clients, "client", lambda *_: Forgetful(real))
        refused = complete(scene, upload, parts)
        assert (refused.status, refused.body["code"]) == (409, "upload_gone")
        assert complete(scene, upload, parts).status == 409
    assert complete(scene, upload, parts).status == 202
    with monkeypatch.context() as patched:
        patched.setattr(boto3_clients, "client", lambda *_: Forgetful(real))
        assert complete(scene, upload, parts).status == 202  # the storage knows the upload no more, and has the object
    pump()
    assert scene.status == "PROCESSING"


@pytest.mark.usefixtures("small_parts")
def test_an_object_of_another_size_is_not_this_upload(scene: UploadScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = scene.upload(size_bytes=11 * MIB)
    scene.store(scene.key(upload), b"of another size")
    real, parts = boto3_clients.client("s3"), [{"part_number": number, "etag": "x"} for number in (1, 2, 3)]
    with monkeypatch.context() as patched:
        patched.setattr(boto3_clients, "client", lambda *_: Forgetful(real))
        assert complete(scene, upload, parts).body["code"] == "upload_gone"


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The storage does not answer."""
    with monkeypatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        boto3_clients.client.cache_clear()
        yield
    boto3_clients.client.cache_clear()


def test_without_the_storage_nothing_is_begun(scene: UploadScenario, silence: None) -> None:
    refused = scene.member.post(scene.path, {"size_bytes": 64 * MIB, "content_type": "video/webm"})
    assert (refused.status, refused.body["code"]) == (503, "storage_unavailable")
    assert (scene.status, scene.audited("upload.started"), scene.member.rows(select(Upload))) == ("PENDING", 0, [])


def test_one_idempotency_key_begins_one_upload(scene: UploadScenario) -> None:
    headers, wanted = {"idempotency-key": str(new_id())}, {"size_bytes": 64 * MIB, "content_type": "video/mp4"}
    before = len(scene.world.stack.clients.s3.list_multipart_uploads(Bucket=scene.bucket).get("Uploads", []))
    answers = [scene.member.post(scene.path, wanted, headers) for _ in range(3)]
    assert {(answer.status, answer.raw) for answer in answers} == {(201, answers[0].raw)}
    after = len(scene.world.stack.clients.s3.list_multipart_uploads(Bucket=scene.bucket).get("Uploads", []))
    assert after == before + 1


def test_a_small_upload_has_no_parts(scene: UploadScenario) -> None:
    upload = scene.upload()
    for refused in (complete(scene, upload, [{"part_number": 1, "etag": "x"}]), scene.member.get(f"{scene.path}/{upload['id']}/parts")):
        assert (refused.status, refused.body["code"]) == (409, "not_multipart")


@pytest.mark.usefixtures("small_parts")
def test_uploads_of_others_and_of_other_meetings_are_not_there(scene: UploadScenario, globex: Member) -> None:
    upload = scene.upload(size_bytes=11 * MIB)
    other = take(scene.world, scene.member)
    body = {"parts": [{"part_number": 1, "etag": "x"}]}
    strange = [
        (globex, f"{scene.path}/{upload['id']}"),
        (globex, f"{scene.path}/{new_id()}"),
        (scene.member, f"{other.path}/{upload['id']}"),
        (scene.member, f"{scene.path}/{new_id()}"),
    ]
    answers = [
        answer for who, path in strange for answer in (who.get(f"{path}/parts"), who.post(f"{path}/complete", body), who.delete(path))
    ]
    assert {(answer.status, answer.raw) for answer in answers} == {(404, answers[0].raw)}
    assert scene.member.rows(select(Upload.status).where(Upload.id == UUID(upload["id"])))[0].value == "PENDING"
