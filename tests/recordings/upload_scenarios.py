"""What the tests of recordings play with: a meeting, uploads, the storage behind them, and notifications as S3 sends them."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select

from local import handlers
from local.client import Answer
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence.outbox import OutboxEvent
from parley.recordings.models import Meeting, Recording, Upload
from tests.harness import Member, World, sqs_event

MEETING = {
    "platform": "TEAMS",
    "url": "https://teams.microsoft.com/l/meetup-join/19%3ameeting_abc%40thread.v2/0?context=%7b%7d",
    "scheduled_start": "2027-03-01T09:00:00Z",
    "scheduled_end": "2027-03-01T10:30:00+01:00",
}
BYTES = b"\x1aE\xdf\xa3 a recording, in a way"
WEBM = {"size_bytes": len(BYTES), "content_type": "video/webm"}
BUCKET = "MediaBucket"


def put(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """One request to the storage, as a client sends it. Without a type urllib calls it a form, and the emulated storage reads that away."""
    wanted = urllib.request.Request(url, body, {"content-type": "application/octet-stream"} | dict(headers), method="PUT")
    try:
        with urllib.request.urlopen(wanted) as answer:
            return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, {name.lower(): value for name, value in refusal.headers.items()}, refusal.read())


def fetch(url: str) -> tuple[bytes, str]:
    """Body and disposition."""
    with urllib.request.urlopen(url) as answer:
        return answer.read(), answer.headers["Content-Disposition"]


@dataclass
class UploadScenario:
    """A meeting of a member, its recording, and what is asked of them."""

    world: World
    member: Member
    meeting_id: str
    recording_id: str

    @property
    def path(self) -> str:
        return f"/v1/recordings/meetings/{self.meeting_id}/uploads"

    @property
    def bucket(self) -> str:
        return str(self.world.stack.attributes[BUCKET])

    def upload(self, **wanted: Any) -> Any:
        answer = self.member.post(self.path, WEBM | wanted)
        assert answer.status == 201, answer.raw
        return answer.body

    def key(self, upload: Any) -> str:
        return str(self.member.rows(select(Upload.key).where(Upload.id == UUID(upload["id"])))[0])

    def send(self, upload: Any, body: bytes = BYTES, headers: Mapping[str, str] | None = None) -> Answer:
        return put(upload["put"]["url"], body, upload["put"]["headers"] if headers is None else headers)

    def store(self, key: str, body: bytes = BYTES, content_type: str = "video/webm") -> None:
        """Put an object there past every presigned request."""
        self.world.stack.clients.s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)
        self.forget()

    def forget(self) -> None:
        """Throw the storage's own notifications away, for tests that make theirs."""
        sqs, url = self.world.stack.clients.sqs, self.world.queue_url("RecordingsUploads")
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def lies(self, key: str) -> bool:
        listing = self.world.stack.clients.s3.list_objects_v2(Bucket=self.bucket, Prefix=key)
        return any(entry["Key"] == key for entry in listing.get("Contents", []))

    def record(
        self, key: str, sequencer: str | None = "0055AED6DCD90281E5", event: str = "ObjectCreated:Put", **other: Any
    ) -> dict[str, Any]:
        """A record of a notification; `key` as S3 writes it. `other` changes the object, None takes a field out."""
        thing = {"key": key, "size": len(BYTES), "eTag": "d41d8cd98f00b204e9800998ecf8427e", "sequencer": sequencer} | other
        return {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "eu-central-1",
            "eventTime": "2026-11-20T10:00:00.000Z",
            "eventName": event,
            "userIdentity": {"principalId": "AWS:AROA:client"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8"},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "recordings",
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                    "arn": f"arn:aws:s3:::{self.bucket}",
                },
                "object": {name: value for name, value in thing.items() if value is not None},
            },
        }

    def notify(self, *records: Any) -> Any:
        """One message with these records. Returns what the worker answers."""
        return self.tell(json.dumps({"Records": list(records)}))

    def work(self, *records: Any) -> None:
        """The same without the entry point, which is for one call at a time: for many at once."""
        handlers.load(next(function for function in self.world.template.functions.values() if function.module == "on_recording_uploaded"))
        sys.modules["functions.recordings.on_recording_uploaded"].work(json.dumps({"Records": records}))

    def tell(self, *bodies: str) -> Any:
        """Messages of the queue, in one call of the worker."""
        return self.world.invoke("recordings/on_recording_uploaded", sqs_event(*bodies))

    # --- what is there afterwards ------------------------------------------------------------------------------------------------------

    @property
    def recording(self) -> Recording:
        row: Recording = self.member.rows(select(Recording).where(Recording.id == UUID(self.recording_id)))[0]
        return row

    @property
    def status(self) -> str:
        return str(self.member.rows(select(Meeting.status).where(Meeting.id == UUID(self.meeting_id)))[0].value)

    def upload_status(self, upload: Any) -> tuple[str, str | None]:
        row = self.member.rows(select(Upload).where(Upload.id == UUID(upload["id"])))[0]
        return row.status.value, row.reason

    def audited(self, action: str) -> int:
        return len(self.member.rows(select(AuditLog.id).where(AuditLog.action == action)))

    def announced(self, name: str = "recordings.recording_uploaded") -> list[dict[str, Any]]:
        """The payloads of this name that wait in the outbox."""
        return list(self.member.rows(select(OutboxEvent.payload).where(OutboxEvent.name == name)))

    def everything(self) -> list[Any]:
        """All that an event could have changed, to compare."""
        tables = (Meeting, Recording, Upload, AuditLog, OutboxEvent)

        def values(row: Any) -> str:
            return repr([getattr(row, column.key) for column in type(row).__mapper__.column_attrs])

        return [sorted(values(row) for row in self.member.rows(select(table))) for table in tables]


def take(world: World, member: Member, **wanted: Any) -> UploadScenario:
    """A new meeting of the member."""
    answer = member.post("/v1/recordings/meetings", MEETING | wanted)
    assert answer.status == 201, answer.raw
    return UploadScenario(world, member, answer.body["id"], answer.body["recording"]["id"])


def path_of(url: str) -> str:
    """The path of a presigned URL."""
    return urlsplit(url).path
