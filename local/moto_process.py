"""The process of the emulated AWS: moto, one request at a time, with a memory on disk and long polling that sleeps.

moto's stores are not safe for threads (a message sent while another is deleted can vanish), and its long polling would hold a thread
in a loop. So every request takes a turn, and `ReceiveMessage` waits here, outside of moto, until its queue has something to give.
Run by `local.emulator`; ends when its standard input does, so it never outlives the stack.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.core.utils import unix_time_millis
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3 import notifications
from moto.s3.models import FakeBucket
from moto.ses.models import RawMessage, ses_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from werkzeug.serving import make_server

from local.cloudformation import ACCOUNT, REGION
from local.moto_memory import Memory, messages_of
from local.moto_speed import hasten

READING = ("Describe", "List", "Get", "Encrypt", "Decrypt", "ReEncrypt", "Generate", "Sign", "Verify")
Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class Emulated:
    """The WSGI application."""

    def __init__(self, memory: Memory) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._memory = memory
        self._turn = threading.Condition()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = _body(environ)
        if environ["PATH_INFO"].startswith("/local/"):
            return self._own(environ["PATH_INFO"], environ.get("QUERY_STRING", ""), start_response)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target == "AmazonSQS.ReceiveMessage":
            return self._receive(environ, body, start_response)
        with self._turn:
            answer = self._answer(environ, body, start_response)
            self._note(environ["REQUEST_METHOD"], target)
            self._turn.notify_all()
        return answer

    def _answer(self, environ: Environ, body: bytes, start_response: StartResponse) -> list[bytes]:
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        answer = self._moto.get_application(environ)(environ, start_response)
        try:
            return list(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()

    def _note(self, method: str, target: str) -> None:
        service, _, action = target.partition(".")
        if service == "TrentService":
            if not action.startswith(READING):
                self._memory.note_keys()
        elif action == "CreateQueue":
            self._memory.fill_queues()
        elif not target and method in {"PUT", "POST", "DELETE"}:
            self._memory.note_objects()

    def _receive(self, environ: Environ, body: bytes, start_response: StartResponse) -> list[bytes]:
        wanted = json.loads(body or b"{}")
        deadline = time.monotonic() + min(int(wanted.pop("WaitTimeSeconds", 0)), 20)
        name = str(wanted.get("QueueUrl", "")).rsplit("/", 1)[-1]
        at_once = json.dumps(wanted | {"WaitTimeSeconds": 0}).encode()
        with self._turn:
            while (pause := min(self._pause(name), deadline - time.monotonic())) > 0:
                self._turn.wait(pause)
            return self._answer(environ, at_once, start_response)

    def _pause(self, name: str) -> float:
        """Seconds until the queue may have a message; 0 = now."""
        queue = sqs_backends[ACCOUNT][REGION].queues.get(name)
        if queue is None:
            return 0.0
        now = unix_time_millis()
        due = [max(message.visible_at, message.delayed_until) - now for message in messages_of(queue)]
        return max(min(due) / 1000 + 0.001, 0.0) if due else 20.0

    def _own(self, path: str, query: str, start_response: StartResponse) -> list[bytes]:
        """What AWS has no call for; see `local.emulator`."""
        routes = {"/local/mails": lambda: self._mails(int(query or 0)), "/local/waiting": self._waiting, "/local/forget": self._forget}
        routes["/local/texts"] = self._texts
        with self._turn:
            answer = routes[path]()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    def _mails(self, after: int) -> list[dict[str, Any]]:
        sent = [message for message in ses_backends[ACCOUNT][REGION].sent_messages if isinstance(message, RawMessage)]
        return [{"id": m.id, "from": m.source, "to": m.destinations, "raw": m.raw_data} for m in sent[after:]]

    def _waiting(self) -> list[str]:
        return [name for name in sqs_backends[ACCOUNT][REGION].queues if not self._pause(name)]

    def _forget(self) -> None:
        for queue in sqs_backends[ACCOUNT][REGION].queues.values():
            messages_of(queue).clear()

    def _texts(self) -> list[dict[str, str]]:
        return [{"to": number, "text": text} for number, text in sns_backends[ACCOUNT][REGION].sms_messages.values()]

    def write_down(self) -> None:
        with self._turn:
            self._memory.note_queues()


def _number_notifications() -> None:
    """Give each notification the sequencer that moto leaves out: a hexadecimal text which grows with every event of a key."""
    without = notifications._get_s3_event  # noqa: SLF001 - moto has no other place for it

    def with_sequencer(event_name: str, bucket: FakeBucket, key: Any, notification_id: str) -> dict[str, list[dict[str, Any]]]:
        event = without(event_name, bucket, key, notification_id)
        for record in event["Records"]:
            record["s3"]["object"]["sequencer"] = f"{time.time_ns():018X}"
        return event

    notifications._get_s3_event = with_sequencer  # noqa: SLF001 - as above


def _body(environ: Environ) -> bytes:
    """Read before taking the turn: a slow sender must not hold up the others."""
    length = environ.get("CONTENT_LENGTH")
    if environ.get("wsgi.input_terminated"):
        return bytes(environ["wsgi.input"].read())
    return bytes(environ["wsgi.input"].read(int(length))) if length else b""


class _Quiet(MotoRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if str(code).startswith("5"):
            super().log_request(code, size)


def _serve(folder: Path, port: int) -> None:
    _number_notifications()
    hasten()
    memory = Memory(folder)
    memory.recall()
    application = Emulated(memory)
    try:
        server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_Quiet)
    except (OSError, SystemExit):
        server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True  # type: ignore[attr-defined]  # of the threading mix-in

    def end(*_: object) -> None:
        application.write_down()
        os._exit(0)

    def watch() -> None:
        sys.stdin.buffer.read()
        end()

    def remember() -> None:
        while True:
            time.sleep(0.5)
            application.write_down()

    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=end).start())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch, daemon=True).start()
    threading.Thread(target=remember, daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
