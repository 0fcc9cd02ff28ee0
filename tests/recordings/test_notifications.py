"""Reading what S3 sends."""

from __future__ import annotations

import itertools
import json
from typing import Any
from uuid import UUID

import pytest

from parley.recordings import s3_notifications
from parley.recordings.s3_notifications import ObjectCreated, UnreadableNotification

ORGANIZATION = "01990000-0000-7000-8000-000000000001"
KEY = f"recordings/{ORGANIZATION}/01990000-0000-7000-8000-000000000002/01990000-0000-7000-8000-000000000003.webm"
BUCKET = "media"


def record(key: Any = KEY, sequencer: Any = "0A1B", event: Any = "ObjectCreated:Put", bucket: Any = BUCKET) -> dict[str, Any]:
    return {"eventName": event, "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1, "sequencer": sequencer}}}


def read(*records: Any) -> list[Any]:
    return list(s3_notifications.objects_created(json.dumps({"Records": records}), BUCKET))


def test_an_arrival() -> None:
    assert read(record()) == [ObjectCreated(UUID(ORGANIZATION), KEY, "0A1B" + "0" * 60)]


@pytest.mark.parametrize("key", [KEY.replace("/", "%2F"), KEY.replace("-", "%2D").replace(".", "%2e"), KEY])
def test_a_key_is_decoded_once(key: str) -> None:
    assert [notification.key for notification in read(record(key))] == [KEY]


@pytest.mark.parametrize(
    "key",
    [
        KEY.replace("/", "%252F"),
        KEY.replace("-", "+", 1),
        KEY + "%00",
        KEY + "%0A",
        KEY + "/..",
        KEY.upper(),
        "",
        "recordings/",
        "webhooks/" + KEY,
        f"/{KEY}",
        f"recordings/{ORGANIZATION}/../{KEY}",
        "recordings/not-an-organization/b/c.webm",
        "%ff%fe",
        "recordings/%F0%9F%8E%A5.webm",
        "\ud800",
        "+" * 5000,
    ],
)
def test_a_key_that_is_not_ours_is_passed_over(key: str) -> None:
    assert read(record(key)) == []


@pytest.mark.parametrize(
    "event",
    ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated", "ObjectTagging:Put", "s3:ObjectCreated", "ObjectCreated"],
)
def test_other_events_are_passed_over(event: str) -> None:
    assert read({"eventName": event, "s3": {"bucket": {"name": BUCKET}, "object": {"key": KEY}}}) == []


def test_another_bucket_is_passed_over() -> None:
    assert read(record(bucket="theirs")) == []


@pytest.mark.parametrize(
    "event", ["ObjectCreated:Put", "ObjectCreated:Post", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload"]
)
def test_every_way_of_creating_counts(event: str) -> None:
    assert len(read(record(event=event))) == 1


TEST_EVENT = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2026-11-20T10:00:00.000Z",
    "Bucket": BUCKET,
    "RequestId": "1",
    "HostId": "2",
}


def test_the_test_event_says_nothing_directly_or_by_way_of_sns() -> None:
    assert list(s3_notifications.objects_created(json.dumps(TEST_EVENT), BUCKET)) == []
    assert list(s3_notifications.objects_created(json.dumps({"Type": "Notification", "Message": json.dumps(TEST_EVENT)}), BUCKET)) == []


def test_an_arrival_by_way_of_sns() -> None:
    nested = {"Type": "Notification", "Message": json.dumps({"Records": [record()]})}
    assert [
        notification.key
        for notification in s3_notifications.objects_created(json.dumps(nested), BUCKET)
        if isinstance(notification, ObjectCreated)
    ] == [KEY]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "[]",
        "null",
        "7",
        "{}",
        '{"Records":{}}',
        '{"Records":null}',
        '{"Message":"no json"}',
        '{"Message":{}}',
        "[" * 100_000,
    ],
)
def test_what_is_no_notification(body: str) -> None:
    with pytest.raises(UnreadableNotification):
        list(s3_notifications.objects_created(body, BUCKET))


def without(*path: str) -> dict[str, Any]:
    made = record()
    node: Any = made
    for name in path[:-1]:
        node = node[name]
    del node[path[-1]]
    return made


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "text",
        [],
        {},
        without("eventName"),
        without("s3"),
        without("s3", "object"),
        without("s3", "object", "key"),
        without("s3", "object", "sequencer"),
        without("s3", "bucket", "name"),
        record(key=7),
        record(key=None),
        record(event=None),
        record(sequencer=12),
        record(sequencer=""),
        record(sequencer="xyz"),
        record(sequencer="A" * 65),
    ],
    ids=lambda broken: json.dumps(broken)[:60],
)
def test_an_unreadable_record_does_not_hide_its_neighbours(broken: Any) -> None:
    notifications = read(record(), broken, record(sequencer="0A1C"))
    assert [type(notification) for notification in notifications] == [ObjectCreated, UnreadableNotification, ObjectCreated]


def test_sequencers_compare_as_the_guide_says() -> None:
    # oldest first; the shorter of two is filled up on the right
    ordered = [
        "0055AED6DCD90281E4",
        "0055AED6DCD90281E5",
        "0055aed6dcd90281e50001",
        "0055AED6DCD90281E501",
        "0055AED6DCD90281F",
        "0056",
    ]
    padded = {text: read(record(sequencer=text))[0].sequencer for text in ordered}
    for order in itertools.permutations(ordered):
        assert sorted(order, key=lambda text: padded[text]) == ordered
    assert {len(text) for text in padded.values()} == {64}
    assert read(record(sequencer="0A"))[0].sequencer == read(record(sequencer="0A000"))[0].sequencer
