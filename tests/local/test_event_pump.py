"""Queues, schedules and buckets: what a worker may answer, what nobody can deal with, keys of any letters, and an orderly end."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

import pytest

from local import processes
from local.event_source import EventSource, Message
from local.invocation import FunctionFailed, FunctionTimedOut
from local.pump import Pump, event_sources, scheduled_event
from local.stack import Stack
from local.template import QueueSource, Schedule


class Worker:
    """A function of a queue: notes what it is given, and answers or raises what it was told to."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.events: list[Any] = []

    def __call__(self, name: str, event: Any) -> Any:
        self.events.append(event)
        answer = self.answer(event) if callable(self.answer) else self.answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def bodies(self) -> list[str]:
        return [record["body"] for event in self.events for record in event["Records"]]


def source(stack: Stack, worker: Worker, retry_seconds: int | None = 0, **of_source: Any) -> EventSource:
    """A queue of its own, whose messages are tried twice, with its mapping."""
    sqs, name = stack.clients.sqs, uuid.uuid4().hex
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "30"})["QueueUrl"]
    usual: dict[str, Any] = {"function": "Worker", "queue": "Queue", "batch_size": 10, "window": 0.0, "partial": True, "concurrency": 2}
    return EventSource(QueueSource(**usual | of_source), sqs, url, f"arn:aws:sqs:eu-central-1:123456789012:{name}", worker, retry_seconds)


def send(source: EventSource, *bodies: str) -> None:
    for body in bodies:
        source.sqs.send_message(QueueUrl=source.url, MessageBody=body)


def waiting(source: EventSource, suffix: str = "") -> list[str]:
    got = source.sqs.receive_message(QueueUrl=source.url + suffix, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return sorted(message["Body"] for message in got.get("Messages", []))


# --- what a worker answers ---------------------------------------------------------------------------------------------------------------

IDS = [{"itemIdentifier": "no message of this batch"}]


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}, "", [], 0])
def test_an_answer_without_failures_means_that_all_is_done(stack: Stack, answer: Any) -> None:
    queue = source(stack, Worker(answer))
    send(queue, "one", "two")
    assert queue.once() == 2
    assert waiting(queue) == waiting(queue, "-dead") == []


@pytest.mark.parametrize(
    "answer",
    [
        {"batchItemFailures": IDS},
        {"batchItemFailures": [{}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": "all"},
        {"batchItemFailures": {"itemIdentifier": "x"}},
        {"batchItemFailures": 5},
        {"batchItemFailures": ["x"]},
        {"batchItemFailures": [None]},
        {"batchItemFailures": [{"itemIdentifier": ["x"]}]},
        "done",
        [1],
        7,
        FunctionFailed("it raised"),
        FunctionTimedOut("it took too long"),
    ],
    ids=str,
)
def test_an_answer_that_is_odd_fails_the_whole_batch_and_a_poisoned_one_comes_to_rest(stack: Stack, answer: Any) -> None:
    worker = Worker(answer)
    queue = source(stack, worker)
    send(queue, "one", "two")
    assert queue.once() == 0
    assert sorted(worker.bodies) == ["one", "one", "two", "two"], "each was tried twice"
    assert (waiting(queue), waiting(queue, "-dead")) == ([], ["one", "two"])


def test_only_what_the_worker_names_comes_again(stack: Stack) -> None:
    def poisoned(event: Any) -> Any:
        return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in event["Records"] if "poison" in r["body"]]}

    worker = Worker(poisoned)
    queue = source(stack, worker)
    send(queue, "one", "poison", "two", "{not json", "\u2028 ü 😀", " ")
    assert queue.once() == 5
    assert sorted(worker.bodies).count("poison") == 2
    assert len(worker.bodies) == 7
    assert (waiting(queue), waiting(queue, "-dead")) == ([], ["poison"])


def test_a_worker_that_reports_nothing_by_halves_has_done_all_unless_it_raises(stack: Stack) -> None:
    worker = Worker(lambda event: {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]})
    queue = source(stack, worker, partial=False)
    send(queue, "one")
    assert (queue.once(), waiting(queue)) == (1, [])
    worker.answer = FunctionFailed("it raised")
    send(queue, "two")
    assert (queue.once(), waiting(queue, "-dead")) == (0, ["two"])


def test_without_a_time_of_its_own_a_failed_message_waits_for_its_queues(stack: Stack) -> None:
    worker = Worker(FunctionFailed("it raised"))
    queue = source(stack, worker, retry_seconds=None)
    send(queue, "one")
    assert (queue.once(), queue.once()) == (0, 0)
    assert worker.bodies == ["one"], "it is hidden for 30 seconds"


def test_a_failure_is_logged_with_the_functions_name(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    queue = source(stack, Worker(FunctionFailed("the reason")))
    send(queue, "one")
    with caplog.at_level(logging.ERROR, "local.event_source"):
        queue.once()
    assert "Worker: a batch of 1 failed: the reason" in caplog.text


# --- batches -----------------------------------------------------------------------------------------------------------------------------


def test_a_record_is_what_lambda_gives(stack: Stack) -> None:
    worker = Worker()
    queue = source(stack, worker)
    attributes = {"kind": {"DataType": "String", "StringValue": "ü"}, "count": {"DataType": "Number", "StringValue": "5"}}
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="body", MessageAttributes=attributes)
    queue.once()
    [record] = worker.events[0]["Records"]
    assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == ("aws:sqs", queue.arn, "eu-central-1")
    assert record["md5OfBody"] == "841a2d689ad86bd1611447453c22c6fc"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"]["kind"]["stringValue"] == "ü"
    assert record["messageAttributes"]["count"]["dataType"] == "Number"
    assert record["messageAttributes"]["count"]["stringListValues"] == []
    json.dumps(record)


def test_a_batch_is_as_large_as_its_mapping_says_and_no_larger(stack: Stack) -> None:
    worker = Worker()
    queue = source(stack, worker, batch_size=3)
    send(queue, *(str(number) for number in range(7)))
    assert queue.once() == 7
    assert [len(event["Records"]) for event in worker.events] == [3, 3, 1]
    assert sorted(worker.bodies) == [str(number) for number in range(7)]


def test_a_batch_larger_than_a_receive_is_gathered_within_its_window(stack: Stack) -> None:
    worker = Worker()
    queue = source(stack, worker, batch_size=15, window=1.0)
    send(queue, *(str(number) for number in range(15)))
    began = time.monotonic()
    batch = queue.gather(1)
    assert (len(batch), time.monotonic() - began < 1) == (15, True), "a full batch waits for nobody"
    assert queue.deliver(batch) == 15
    assert [len(event["Records"]) for event in worker.events] == [15]
    assert waiting(queue) == []


def test_a_batch_too_large_for_a_call_is_given_in_several(stack: Stack) -> None:
    worker = Worker()
    queue = source(stack, worker)
    body = "ü" * 120_000
    send(queue, *[body] * 10)
    large: list[Message] = [dict(message) | {"Body": "x" * 1_000_000} for message in queue.gather(0)]
    queue.deliver(large)
    assert [len(event["Records"]) for event in worker.events] == [3, 3, 3, 1]
    assert all(len(json.dumps(event)) < 6 * 1024 * 1024 for event in worker.events)


def test_what_is_given_back_can_be_taken_at_once(stack: Stack) -> None:
    queue = source(stack, Worker())
    send(queue, "one")
    batch = queue.gather(0)
    assert queue.gather(0) == []
    queue.give_back(batch)
    assert [message["Body"] for message in queue.gather(0)] == ["one"]


# --- buckets -----------------------------------------------------------------------------------------------------------------------------

KEYS = ["plain", "with space", "ümläut/日本語/😀", "plus+sign", "per%20cent%", "a=b&c;d?e#f", "quote'\"<>`"]
KEYS += ["tab\there", "dots/../up", "." * 200, "in/again/"]


def test_a_notification_names_its_object_whatever_letters_its_key_has(stack: Stack) -> None:
    sqs, s3 = stack.clients.sqs, stack.clients.s3
    url = sqs.create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bucket = uuid.uuid4().hex
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    queues = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}}}]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": queues})
    worker = Worker()
    queue = EventSource(QueueSource("Worker", "Queue", 10, 0.0, True, 2), sqs, url, arn, worker, 0)
    queue.once()  # the test event, where there is one
    worker.events.clear()
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=f"in/{key}", Body=key.encode())
        s3.put_object(Bucket=bucket, Key=f"out/{key}", Body=b"")
    queue.once()
    objects = [record["s3"]["object"] for body in worker.bodies for record in json.loads(body)["Records"]]
    assert sorted(unquote_plus(entry["key"]) for entry in objects) == sorted(f"in/{key}" for key in KEYS)
    for entry in objects:
        key = unquote_plus(entry["key"])
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.removeprefix("in/").encode()
        assert entry["size"] == len(key.removeprefix("in/").encode())
    assert [unquote_plus(entry["key"]) for entry in sorted(objects, key=lambda entry: entry["sequencer"])] == [f"in/{key}" for key in KEYS]


# --- the pump ----------------------------------------------------------------------------------------------------------------------------


def run(pump: Pump, until: Callable[[], object]) -> bool:
    pump.start()
    try:
        return processes.until(until, 5)
    finally:
        pump.stop()


def test_a_pump_goes_on_after_what_it_can_not_deliver(stack: Stack) -> None:
    worker = Worker(lambda event: FunctionFailed("poison") if "poison" in event["Records"][0]["body"] else None)
    queue = source(stack, worker, batch_size=1)
    send(queue, "poison", "one", "two")
    assert run(Pump([queue], [], worker), lambda: {"one", "two"} <= set(worker.bodies) and worker.bodies.count("poison") == 2)


def test_a_queue_that_can_not_be_read_is_logged_and_holds_up_no_other(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker()
    absent, present = source(stack, worker), source(stack, worker)
    absent.sqs.delete_queue(QueueUrl=absent.url)
    send(present, "one")
    with caplog.at_level(logging.WARNING, "local.pump"):
        assert run(Pump([absent, present], [], worker), lambda: worker.bodies == ["one"] and "can't be read" in caplog.text)


def test_a_worker_that_answers_what_nobody_expects_does_not_end_the_pump(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker(lambda event: RuntimeError("no failure of a function") if "odd" in event["Records"][0]["body"] else None)
    queue = source(stack, worker, batch_size=1, concurrency=2)
    send(queue, "odd", "odd", "odd", "one")
    with caplog.at_level(logging.WARNING, "local.pump"):
        assert run(Pump([queue], [], worker), lambda: "one" in worker.bodies and "a batch of Queue" in caplog.text)


def test_no_more_batches_are_out_than_the_mapping_allows(stack: Stack) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(event: Any) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.03)
        with lock:
            running -= 1

    worker = Worker(work)
    queue = source(stack, worker, batch_size=1, concurrency=2)
    send(queue, *(str(number) for number in range(8)))
    assert run(Pump([queue], [], worker), lambda: len(worker.bodies) == 8)
    assert most == 2


def test_what_arrives_as_the_pump_stops_is_given_back(stack: Stack) -> None:
    worker = Worker()
    queue = source(stack, worker)
    pump = Pump([queue], [], worker)
    pump.start()
    time.sleep(0.1)  # it waits for a message now
    pump.stop()
    send(queue, "late")
    assert processes.until(lambda: waiting(queue) == ["late"], 3)
    assert worker.events == []


def test_schedules_fire_again_and_again_whatever_their_function_does(caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker(FunctionFailed("not now"))
    schedules = [Schedule("Often", "Worker", "rate(1 minute)", '{"tick": 1}')]
    pump = Pump([], schedules, worker)
    with caplog.at_level(logging.ERROR, "local.pump"):
        pump._fire(schedules[0], datetime(2026, 12, 1, tzinfo=UTC))
    assert worker.events == [{"tick": 1}]
    assert "Often: not now" in caplog.text
    pump.start()
    began = time.monotonic()
    pump.stop()
    assert time.monotonic() - began < 2, "it does not wait for what is due in a minute"


def test_a_schedule_without_an_input_tells_its_moment() -> None:
    event = scheduled_event(Schedule("Sweep", "Worker", "rate(1 day)", None), datetime(2026, 12, 1, 3, 4, 5, tzinfo=UTC))
    assert (event["time"], event["source"], event["detail"]) == ("2026-12-01T03:04:05Z", "aws.events", {})
    assert event["resources"] == ["arn:aws:events:eu-central-1:123456789012:rule/Sweep"]


def test_each_mapping_of_the_template_has_its_queue(stack: Stack) -> None:
    sources = event_sources(stack.template, stack.clients, stack.attributes, Worker(), 7)
    assert sources.keys() == {"BackAnswer"}
    assert (sources["BackAnswer"].url, sources["BackAnswer"].retry_seconds) == (stack.attributes["Jobs"], 7)
    assert sources["BackAnswer"].arn.endswith(":jobs")
