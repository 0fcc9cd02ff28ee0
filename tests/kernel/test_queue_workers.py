"""Workers of queues, and what runs while CloudFormation deploys: one bad message costs nobody but itself, and an answer always leaves."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.values.ids import new_id
from parley.kernel.workers.custom_resources import custom_resource
from parley.kernel.workers.jobs import BusEvent, concurrent_queue_worker, queue_worker, worker
from tests.harness import sqs_event


def failures(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def fails_at(*bodies: str, seen: list[str]) -> Any:
    def work(body: str) -> None:
        seen.append(body)
        if body in bodies:
            raise RuntimeError(body)

    return work


@pytest.mark.parametrize("form", [queue_worker, concurrent_queue_worker])
@pytest.mark.parametrize("bad", [[], ["a"], ["b"], ["c"], ["a", "c"], ["a", "b", "c"]])
def test_the_messages_that_failed_come_back_and_no_other(form: Any, bad: list[str]) -> None:
    seen: list[str] = []
    answer = form(fails_at(*bad, seen=seen))(sqs_event("a", "b", "c"), None)
    assert failures(answer) == [f"message-{'abc'.index(body)}" for body in bad]
    assert sorted(seen) == ["a", "b", "c"]


@pytest.mark.parametrize("form", [queue_worker, concurrent_queue_worker])
def test_a_batch_that_failed_as_a_whole_is_not_remembered_in_the_next(form: Any) -> None:
    seen: list[str] = []
    handler = form(fails_at("bad", seen=seen))
    assert failures(handler(sqs_event("bad", "bad"), None)) == ["message-0", "message-1"]
    assert failures(handler(sqs_event("good"), None)) == []
    assert failures(handler(sqs_event("good", "bad"), None)) == ["message-1"]


def test_messages_of_a_concurrent_batch_do_not_wait_for_each_other() -> None:
    """Each waits for all the others: in turn, none would end."""
    gate = threading.Barrier(10, timeout=10)

    def work(_: str) -> None:
        gate.wait()

    answer = concurrent_queue_worker(work)(sqs_event(*map(str, range(10))), None)
    assert failures(answer) == []


class Told(BaseModel):
    number: int


@pytest.mark.parametrize(
    "change",
    [
        {"id": "1"},
        {"id": None},
        {"organization_id": ""},
        {"organization_id": 0},
        {"occurred_at": "yesterday"},
        {"occurred_at": {}},
        {"payload": None},
        {"payload": []},
        {"payload": {}},
        {"payload": {"number": "many"}},
    ],
)
def test_an_event_of_another_form_fails_alone_and_the_others_know_whose_they_are(change: dict[str, Any]) -> None:
    seen: list[tuple[Caller, BusEvent[Told]]] = []
    handler = worker(Told, lambda caller, event: seen.append((caller, event)))
    organizations = [new_id(), new_id()]

    def message(organization_id: UUID, number: int, change: dict[str, Any]) -> str:
        detail = {"id": str(new_id()), "organization_id": str(organization_id), "occurred_at": "2199-12-31T23:59:59Z"}
        return json.dumps({"detail-type": "test.told", "detail": detail | {"payload": {"number": number}} | change})

    bodies = message(organizations[0], 1, {}), message(organizations[0], 2, change), message(organizations[1], 3, {})
    assert failures(handler(sqs_event(*bodies), None)) == ["message-1"]
    assert [(caller.organization_id, event.payload.number) for caller, event in seen] == [(organizations[0], 1), (organizations[1], 3)]
    assert {(caller.actor_type, caller.actor_id, event.name) for caller, event in seen} == {(ActorType.SYSTEM, None, "test.told")}


class Answers(ThreadingHTTPServer):
    """Where CloudFormation waits for answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Putting)
        self.bodies: list[tuple[str, dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/answer?signed=yes"


class _Putting(BaseHTTPRequestHandler):
    server: Answers

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append((self.headers["content-type"], json.loads(body)))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        pass


@pytest.fixture
def deployment() -> Iterator[Answers]:
    with Answers() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def request(deployment: Answers, kind: str, **properties: Any) -> dict[str, Any]:
    names = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "Migrated"}
    return names | {"RequestType": kind, "ResponseURL": deployment.url, "ResourceProperties": properties}


@pytest.mark.parametrize(("kind", "data"), [("Create", {"Revision": "r1"}), ("Update", {"Revision": "r1"}), ("Delete", {})])
def test_a_deployment_hears_what_was_made_and_nothing_is_made_when_it_deletes(deployment: Answers, kind: str, data: dict[str, str]) -> None:
    properties_seen: list[dict[str, Any]] = []

    def make(properties: dict[str, Any]) -> dict[str, str]:
        properties_seen.append(properties)
        return {"Revision": "r1"}

    handler = custom_resource("migrated", make)
    answer = handler(request(deployment, kind, Code="1"), None)
    expected = {"Status": "SUCCESS", "PhysicalResourceId": "migrated", "Data": data}
    assert answer == expected | {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "Migrated"}
    assert deployment.bodies == [("", answer)]
    assert properties_seen == ([] if kind == "Delete" else [{"Code": "1"}])


@pytest.mark.parametrize("error", [RuntimeError("x" * 5000), KeyError("name"), OSError(), SystemError("ü🙂")])
def test_whatever_goes_wrong_a_deployment_hears_of_it_in_a_bounded_sentence(deployment: Answers, error: Exception) -> None:
    def make(_: dict[str, Any]) -> dict[str, str]:
        raise error

    answer = custom_resource("migrated", make)(request(deployment, "Create"), None)
    [(_, body)] = deployment.bodies
    assert body == answer and answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(type(error).__name__) and len(answer["Reason"]) <= 1000


def test_a_request_without_a_kind_is_a_failure_that_is_answered(deployment: Answers) -> None:
    event = request(deployment, "Create")
    del event["RequestType"]
    custom_resource("migrated", lambda _: {})(event, None)
    assert [body["Status"] for _, body in deployment.bodies] == ["FAILED"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x"])
def test_an_answer_goes_to_an_http_address_and_nowhere_else(deployment: Answers, url: str) -> None:
    with pytest.raises(ValueError, match="HTTP address"):
        custom_resource("migrated", lambda _: {})(request(deployment, "Create") | {"ResponseURL": url}, None)
    assert custom_resource("migrated", lambda _: {})(request(deployment, "Create") | {"ResponseURL": ""}, None)["Status"] == "SUCCESS"
    assert deployment.bodies == []
