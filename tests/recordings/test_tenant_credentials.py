"""The second wall: what reaches an organization's bytes was given by STS for that organization alone."""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from parley.kernel.aws import boto3_clients, tenant_credentials
from parley.kernel.values.ids import new_id
from parley.recordings import media_types, object_access
from tests.harness import Member, World
from tests.recordings.upload_scenarios import BYTES, UploadScenario, fetch, take

LARGE = {"size_bytes": 11 * media_types.MIB, "content_type": "video/webm"}
SIGNER = re.compile(r"Credential=([^/]+)/")


@dataclass
class Call:
    """A request that a function made of AWS, or a client of the storage, and what came back."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    answer: bytes = b""

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode("utf-8", "replace")).items()}

    @property
    def is_of_sts(self) -> bool:
        return self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")

    @property
    def signer(self) -> str:
        signed = SIGNER.search(self.headers["authorization"])
        assert signed is not None
        return signed[1]


class Recorder(ThreadingHTTPServer):
    """Stands before the emulated AWS and writes down what passes. `sts` answers in the place of STS."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.target = os.environ["AWS_ENDPOINT_URL"].rstrip("/")
        self.calls: list[Call] = []
        self.sts: Callable[[], tuple[int, bytes] | None] | None = None

    @property
    def taken(self) -> list[Call]:
        return [call for call in self.calls if call.is_of_sts]

    @property
    def of_functions(self) -> list[Call]:
        """What functions asked of S3. A client's requests are signed in their address."""
        bucket = f"/{os.environ['MEDIA_BUCKET']}/"
        return [call for call in self.calls if call.path.startswith(bucket) and "authorization" in call.headers]

    def key_of(self, member: Member) -> str:
        """The id of the credentials that STS gave for an organization; once, or this fails."""
        [call] = [call for call in self.taken if call.form["Tags.member.1.Value"] == str(member.organization_id)]
        match = re.search(rb"<AccessKeyId>([^<]+)<", call.answer)
        assert match is not None
        return match[1].decode()


class _Passing(BaseHTTPRequestHandler):
    server: Recorder

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, self.path, headers, body)
        self.server.calls.append(call)
        if call.is_of_sts and self.server.sts is not None:
            replaced = self.server.sts()
            if replaced is None:
                self.close_connection = True
                return
            status, call.answer = replaced
            answered: dict[str, str] = {}
        else:
            status, call.answer, answered = self._asked(call)
        self.send_response(status)
        for name, value in answered.items():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "server", "date"):
                self.send_header(name, value)
        self.send_header("content-length", answered.get("content-length", "0") if call.method == "HEAD" else str(len(call.answer)))
        self.end_headers()
        if call.method != "HEAD":
            self.wfile.write(call.answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass  # noqa: N815  # the base class names them so

    def _asked(self, call: Call) -> tuple[int, bytes, dict[str, str]]:
        headers = {name: value for name, value in call.headers.items() if name not in ("host", "connection", "expect")}
        request = urllib.request.Request(self.server.target + call.path, call.body or None, headers, method=call.method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read(), {name.lower(): value for name, value in answer.headers.items()}
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read(), {name.lower(): value for name, value in refusal.headers.items()}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        pass


@pytest.fixture
def recorder(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """A new environment, before a recorder."""
    world.pump()
    with monkeypatch.context() as patched, Recorder() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        patched.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        boto3_clients.client.cache_clear()
        tenant_credentials._kept.clear()
        try:
            yield server
        finally:
            server.shutdown()
            boto3_clients.client.cache_clear()
            tenant_credentials._kept.clear()


def signer(url: str) -> tuple[str, bool]:
    """Whose key signed an address, and whether it carries a session's token."""
    query = parse_qs(urlsplit(url).query)
    return query["X-Amz-Credential"][0].partition("/")[0], "X-Amz-Security-Token" in query


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_types, "MULTIPART_FROM_BYTES", 9 * media_types.MIB)


def flow(scene: UploadScenario) -> list[str]:
    """All that reaches the storage: a large upload that is given up, one whose parts are wrong, a small one that arrives, a download."""
    urls = []
    large = scene.upload(**LARGE)
    urls += [part["request"]["url"] for part in large["multipart"]["parts"]]
    urls += [part["request"]["url"] for part in scene.member.get(f"{scene.path}/{large['id']}/parts").body["parts"]]
    wrong = {"parts": [{"part_number": 1, "etag": "x"}, {"part_number": 2, "etag": "x"}]}
    scene.member.post(f"{scene.path}/{large['id']}/complete", wrong)  # the emulated storage answers this with a fault of its own
    assert scene.member.delete(f"{scene.path}/{large['id']}").status == 204
    refused, kept = scene.upload(size_bytes=3), scene.upload()
    urls += [refused["put"]["url"], kept["put"]["url"]]
    scene.send(refused, BYTES, {"content-type": "video/webm"})
    scene.send(kept)
    scene.world.pump()
    assert (scene.upload_status(refused)[0], scene.upload_status(kept)[0]) == ("REJECTED", "COMPLETED")
    download = scene.member.post(f"/v1/recordings/{scene.recording_id}/downloads").body["url"]
    assert fetch(download)[0] == BYTES
    return [*urls, download]


@pytest.mark.usefixtures("small_parts")
def test_each_organization_is_reached_with_credentials_of_its_own(recorder: Recorder, world: World, acme: Member, globex: Member) -> None:
    scenes = [take(world, member) for member in (acme, globex)]
    addresses = [flow(scene) for scene in scenes]
    assert len(recorder.taken) == 2  # of two organizations in one environment, for about fifteen requests each
    for call, member in zip(recorder.taken, (acme, globex), strict=True):
        assert call.form == {
            "Action": "AssumeRole",
            "Version": "2011-06-15",
            "RoleArn": os.environ["TENANT_ROLE_ARN"],
            "RoleSessionName": str(member.organization_id),
            "DurationSeconds": "3600",
            "Tags.member.1.Key": "organization_id",
            "Tags.member.1.Value": str(member.organization_id),
        }
        assert call.signer == os.environ["AWS_ACCESS_KEY_ID"]
    keys = [recorder.key_of(member) for member in (acme, globex)]
    assert len({*keys, os.environ["AWS_ACCESS_KEY_ID"]}) == 3
    for key, urls in zip(keys, addresses, strict=True):
        assert {signer(url) for url in urls} == {(key, True)}
    made: dict[str, set[str]] = {}
    for call in recorder.of_functions:
        assert "x-amz-security-token" in call.headers
        made.setdefault(call.path.split("/")[3], set()).add(call.signer)
    assert made == {str(member.organization_id): {key} for member, key in zip((acme, globex), keys, strict=True)}
    assert {call.method for call in recorder.of_functions} == {"POST", "DELETE", "HEAD"}


def test_an_address_does_not_outlive_what_signed_it(
    recorder: Recorder, world: World, acme: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, began = take(world, acme), datetime.now(UTC)
    expiries: dict[str, datetime] = {}
    for minutes in (0, 10, 14, 16, 29, 32, 90):

        class Later(datetime):
            @classmethod
            def now(cls, tz: Any = None, at: datetime = began + timedelta(minutes=minutes)) -> Any:
                return at

        with monkeypatch.context() as patched:
            patched.setattr(tenant_credentials, "datetime", Later)
            url = scene.upload()["put"]["url"]
        # The emulated STS lives now: what it gave is good for an hour from when it was asked.
        key = signer(url)[0]
        until = expiries.setdefault(key, datetime.now(UTC) + timedelta(hours=1))
        life = timedelta(seconds=int(parse_qs(urlsplit(url).query)["X-Amz-Expires"][0]))
        assert life == object_access.LIFE == timedelta(minutes=45)
        assert minutes > 15 or began + timedelta(minutes=minutes) + life <= until
    assert len(recorder.taken) == len(expiries)
    assert [call.form["Action"] for call in recorder.taken] == ["AssumeRole"] * 5  # 0, 16, 29, 32, 90; 10 and 14 took what was there


def test_a_few_organizations_are_kept(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant_credentials, "_KEPT_ORGANIZATIONS", 2)
    first, second, third = (new_id() for _ in range(3))
    credentials = {organization_id: tenant_credentials.of(organization_id) for organization_id in (first, second)}
    assert tenant_credentials.of(first) == credentials[first]
    tenant_credentials.of(third)
    assert [organization_id for _, organization_id in tenant_credentials._kept] == [first, third]  # the one that nobody asked for went
    assert tenant_credentials.of(first) == credentials[first]
    assert tenant_credentials.of(second) != credentials[second]
    assert len(recorder.taken) == 4
    assert "secret" not in repr(credentials[first]).lower()


def expires(when: bytes) -> tuple[int, bytes]:
    names = (b"AccessKeyId", b"SecretAccessKey", b"SessionToken")
    values = b"".join(b"<%b>given</%b>" % (name, name) for name in names) + b"<Expiration>%b</Expiration>" % when
    return 200, b"<AssumeRoleResponse><Credentials>%b</Credentials></AssumeRoleResponse>" % values


ABSENT: list[Any] = [
    pytest.param(lambda: expires(b"soon"), id="gives them until no date"),
    pytest.param(lambda: expires(b"2199-01-01T00:00:00"), id="gives them until a time of no zone"),
    pytest.param(lambda: None, id="hangs up"),
    pytest.param(lambda: (503, b""), id="is away"),
    pytest.param(lambda: (403, b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"), id="refuses"),
    pytest.param(lambda: (200, b"<html>a proxy's page</html>"), id="answers nonsense"),
]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("sts", ABSENT)
def test_without_sts_nothing_is_half_done(
    recorder: Recorder, world: World, acme: Member, monkeypatch: pytest.MonkeyPatch, sts: Callable[[], tuple[int, bytes] | None]
) -> None:
    monkeypatch.setattr("parley.kernel.aws.aws_requests.time.sleep", lambda _: None)
    scene, arrived = take(world, acme), take(world, acme)
    large, small = scene.upload(**LARGE), arrived.upload()
    arrived.store(arrived.key(small))
    before, made = scene.everything(), len(recorder.of_functions)
    tenant_credentials._kept.clear()
    recorder.sts = sts
    parts = {"parts": [{"part_number": 1, "etag": "x"}, {"part_number": 2, "etag": "x"}]}
    answers = [
        scene.member.post(scene.path, LARGE),
        scene.member.post(scene.path, {"size_bytes": 5, "content_type": "video/webm"}, {"idempotency-key": str(new_id())}),
        scene.member.get(f"{scene.path}/{large['id']}/parts"),
        scene.member.post(f"{scene.path}/{large['id']}/complete", parts),
        scene.member.delete(f"{scene.path}/{large['id']}"),
        scene.member.post(f"/v1/recordings/{scene.recording_id}/downloads"),
    ]
    assert {(answer.status, answer.body["code"], answer.headers["retry-after"]) for answer in answers} == {
        (503, "storage_unavailable", "2")
    }
    outcome = arrived.notify(arrived.record(arrived.key(small)))
    assert [failure["itemIdentifier"] for failure in outcome["batchItemFailures"]] == ["message-0"]
    assert (scene.everything(), len(recorder.of_functions)) == (before, made)
    assert tenant_credentials._kept == {}
    recorder.sts = None
    assert scene.member.delete(f"{scene.path}/{large['id']}").status == 204
    assert arrived.notify(arrived.record(arrived.key(small))) == {"batchItemFailures": []}
    assert arrived.status == "PROCESSING"


@pytest.mark.usefixtures("small_parts")
def test_without_a_role_functions_reach_the_storage_themselves(
    recorder: Recorder, world: World, acme: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TENANT_ROLE_ARN")
    assert {signer(url) for url in flow(take(world, acme))} == {(os.environ["AWS_ACCESS_KEY_ID"], False)}
    assert {call.signer for call in recorder.of_functions} == {os.environ["AWS_ACCESS_KEY_ID"]}
    assert recorder.taken == []
    assert tenant_credentials.of(UUID(int=1)) is None
