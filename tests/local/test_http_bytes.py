"""Bytes on the socket: what a client, a proxy or an attacker may send, and that no request is ever read as another one's body."""

from __future__ import annotations

import http.client
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from local.http_api import Request, Response
from local.server import PortTaken, Server

CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
EVERY_BYTE = bytes(range(256))


class Echo:
    """Answers with what came; `targets` is what came to it. Some paths want another answer."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self.may_go_on = threading.Event()

    def __call__(self, request: Request) -> Response:
        self.targets.append(request.target)
        if request.path == "/raise":
            raise RuntimeError("a fault of the gateway")
        if request.path == "/wait":
            self.may_go_on.wait(5)
        if request.path.startswith("/status/"):
            return Response(int(request.path.rpartition("/")[2]), (("x-text", "grün"),), b"a body")
        headers = tuple((f"x-sent-{key.lower()}", value) for key, value in request.headers if key.lower() != "content-length")
        return Response(200, (("x-method", request.method), *headers), request.body)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Server, Echo]]:
    echo = Echo()
    server = Server(0, echo)
    server.serve()
    yield server, echo
    server.stop()


@pytest.fixture
def server(served: tuple[Server, Echo]) -> Server:
    return served[0]


@pytest.fixture
def echo(served: tuple[Server, Echo]) -> Echo:
    served[1].targets.clear()
    served[1].may_go_on.clear()
    return served[1]


def raw(server: Server, sent: bytes) -> bytes:
    """Everything that is answered to these bytes, after which the client says no more."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
        return answer


def statuses(answer: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1\.1 (\d+) ", answer)


# --- one request after the other ---------------------------------------------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_their_order(server: Server, echo: Echo) -> None:
    first, second, third = b"GET /1 HTTP/1.1\r\n\r\n", b"POST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", b"GET /3 HTTP/1.1\r\n\r\n"
    answer = raw(server, first + second + CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + third)
    assert statuses(answer) == [b"200"] * 4
    assert echo.targets == ["/1", "/2", "/", "/3"]
    assert answer.index(b"\r\n\r\nab") < answer.index(b"\r\n\r\nabc")


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"])
def test_nothing_is_answered_after_the_last_request_of_a_connection(server: Server, echo: Echo, sent: bytes) -> None:
    answer = raw(server, sent + b"GET /later HTTP/1.1\r\n\r\n")
    assert (statuses(answer), echo.targets) == ([b"200"], ["/"])
    assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_none_and_the_connection_goes_on(server: Server, status: int) -> None:
    answer = raw(server, b"GET /status/%d HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n" % status)
    assert statuses(answer) == [str(status).encode(), b"200"]
    assert b"a body" not in answer
    assert b"Content-Length" not in answer.split(b"\r\n\r\n")[0]


def test_head_is_told_the_length_and_gets_no_body(server: Server) -> None:
    answer = raw(server, b"HEAD /status/200 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert b"\r\nContent-Length: 6" in head
    assert rest.startswith(b"HTTP/1.1 200")


def test_head_of_a_refusal_has_no_body_either(server: Server) -> None:
    answer = raw(server, b"HEAD / HTTP/1.1\r\nContent-Length: abc\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400") and answer.endswith(b"\r\n\r\n")


def test_who_waits_for_permission_gets_it_before_the_body(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        answer = connection.recv(1000)
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"hello")
    assert b"x-sent-expect" not in answer, "it is of the connection, not of the request"


def test_a_body_that_comes_in_drops_is_whole(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in (b"PO", b"ST / HT", b"TP/1.1\r\nContent-Le", b"ngth: 10\r", b"\n\r\n", b"01234", b"56789"):
            connection.sendall(part)
            time.sleep(0.005)
        assert connection.recv(1000).endswith(b"\r\n\r\n0123456789")


# --- bodies ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [EVERY_BYTE, b"\r\n0\r\n\r\n", b"GET /smuggled HTTP/1.1\r\n\r\n", b"\0" * 100_000, b"x" * 10 * 1024 * 1024]
)
def test_a_body_of_any_bytes_comes_back_the_same(server: Server, echo: Echo, body: bytes) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request("PUT", "/", body)
        assert connection.getresponse().read() == body
    assert echo.targets == ["/"]


@pytest.mark.parametrize(
    ("chunks", "body"),
    [
        (b"0\r\n\r\n", b""),
        (b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"00003\r\nabc\r\n000\r\n\r\n", b"abc"),
        (b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", b"0123456789" * 2),
        (b'3;name="a;b"\r\nabc\r\n0;last\r\n\r\n', b"abc"),
        (b"3 \r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"3\nabc\n0\n\n", b"abc"),
        (b"5\r\n\r\n0\r\n\r\n0\r\n\r\n", b"\r\n0\r\n"),
        (b"2\r\nab\r\n0\r\n" + b"".join(b"Trailer-%d: x\r\n" % number for number in range(50)) + b"\r\n", b"ab"),
    ],
)
def test_chunks_in_every_form_that_the_rfc_has(server: Server, chunks: bytes, body: bytes) -> None:
    answer = raw(server, CHUNKED + chunks + b"GET /after HTTP/1.1\r\n\r\n")
    assert statuses(answer) == [b"200", b"200"]
    assert answer.split(b"\r\n\r\n", 1)[1].startswith(body + b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "chunks",
    [
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"+3\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
        b" 3\r\nabc\r\n0\r\n\r\n",
        b"\xef\xbc\x93\r\nabc\r\n0\r\n\r\n",
        b"\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabcXX0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"2\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n",
        b"3\r\nab",
        b"3",
        b"",
        b"3;" + b"x" * 2000 + b"\r\nabc\r\n0\r\n\r\n",
    ],
)
def test_a_chunk_that_could_be_read_in_two_ways_is_refused_and_nothing_after_it_is_read(server: Server, echo: Echo, chunks: bytes) -> None:
    answer = raw(server, CHUNKED + chunks + (b"GET /smuggled HTTP/1.1\r\n\r\n" if chunks.endswith(b"\r\n\r\n") else b""))
    assert (statuses(answer), echo.targets) == ([b"400"], [])


@pytest.mark.parametrize("size", [b"a00001", b"ffffffffffffffff", b"a00000\r\n" + b"x" * 0xA00000 + b"\r\n1"])
def test_chunks_that_are_too_much_together_are_refused(server: Server, size: bytes) -> None:
    assert raw(server, CHUNKED + size + b"\r\n").startswith(b"HTTP/1.1 413")


# --- heads -------------------------------------------------------------------------------------------------------------------------------

BODY_OR_REQUEST = b"GET /smuggled HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"Transfer-Encoding: gzip", b"501"),
        (b"Transfer-Encoding: gzip, chunked", b"501"),
        (b"Transfer-Encoding: xchunked", b"501"),
        (b"Transfer-Encoding: identity", b"501"),
        (b"Transfer-Encoding:", b"501"),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"501"),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 26", b"400"),
        (b"Content-Length: 26\r\nTransfer-Encoding: chunked", b"400"),
        (b"Content-Length: 26, 26", b"400"),
        (b"Content-Length: 26\r\nContent-Length: 27", b"400"),
        (b"Content-Length: +26", b"400"),
        (b"Content-Length: 2_6", b"400"),
        (b"Content-Length: 0x1a", b"400"),
        (b"Content-Length: 26.0", b"400"),
        (b"Content-Length: \xb2\xb6", b"400"),
        (b"Content-Length:", b"400"),
        (b"Content-Length : 26", b"400"),
        (b" Content-Length: 26", b"400"),
        (b"X: a\r\n Content-Length: 26", b"400"),
        (b"no header at all\r\nContent-Length: 26", b"400"),
        (b": 26\r\nContent-Length: 26", b"400"),
        (b"X Y: a\r\nContent-Length: 26", b"400"),
        (b"X: a\0b\r\nContent-Length: 26", b"400"),
    ],
)
def test_a_head_that_leaves_the_body_open_is_refused_and_the_body_is_no_request(
    server: Server, echo: Echo, lines: bytes, status: bytes
) -> None:
    answer = raw(server, b"POST / HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n\r\n" + BODY_OR_REQUEST)
    assert (statuses(answer), echo.targets) == ([status], [])
    assert b'{"message": "' in answer


@pytest.mark.parametrize(
    "kind", [b"multipart/form-data; boundary=x", b"multipart/mixed", b"message/rfc822", b"message/http", b"", b"\xc3\xbc/x"]
)
def test_a_head_may_speak_of_any_media_type(server: Server, kind: bytes) -> None:
    """The standard library reads heads with its reader of mails, which finds fault with these."""
    answer = raw(server, b"POST / HTTP/1.1\r\nContent-Type: " + kind + b"\r\nContent-Length: 2\r\n\r\nab")
    assert statuses(answer) == [b"200"] and answer.endswith(b"\r\n\r\nab")


@pytest.mark.parametrize(
    "line", [b"GET /", b"GET HTTP/1.1", b"GE(T / HTTP/1.1", b"GET / HTTP/0.9", b"GET / x HTTP/1.1", b"get / http/1.1", b"GET / HTTP/1.1.1"]
)
def test_a_line_that_is_no_request_line_is_refused_in_http(server: Server, echo: Echo, line: bytes) -> None:
    answer = raw(server, line + b"\r\n\r\n")
    assert (statuses(answer), echo.targets) == ([b"400"], [])


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"\0"])
def test_a_connection_that_says_nothing_ends_without_a_request(server: Server, echo: Echo, sent: bytes) -> None:
    assert (statuses(raw(server, sent)) in ([], [b"400"]), echo.targets) == (True, [])


def test_equal_lengths_are_one_and_spaces_around_it_are_none(server: Server) -> None:
    answer = raw(server, b"POST / HTTP/1.1\r\nContent-Length:  2 \r\nContent-Length: 2\r\n\r\nabGET / HTTP/1.1\r\n\r\n")
    assert statuses(answer) == [b"200", b"200"]


def test_a_header_may_be_longer_than_any_of_ours_and_no_longer_than_a_line(server: Server) -> None:
    assert statuses(raw(server, b"GET / HTTP/1.1\r\nX: " + b"a" * 60_000 + b"\r\n\r\n")) == [b"200"]
    assert statuses(raw(server, b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n")) == [b"431"]


def test_letters_of_any_language_in_an_answer_are_sent_as_utf_8(server: Server) -> None:
    assert "x-text: grün".encode() in raw(server, b"GET /status/200 HTTP/1.0\r\n\r\n")


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://elsewhere", "/"),
        (b"http://elsewhere/a/b?c=http://d/", "/a/b?c=http://d/"),
        (b"/a?b=http://c/d", "/a?b=http://c/d"),
        (b"/a%20b%2Fc?d=%26+e", "/a%20b%2Fc?d=%26+e"),
        (b"/../%2e%2e/etc", "/../%2e%2e/etc"),
        (b"*", "*"),
    ],
)
def test_a_target_reaches_the_gateway_as_it_was_sent_without_its_host(server: Server, echo: Echo, target: bytes, path: str) -> None:
    raw(server, b"GET " + target + b" HTTP/1.1\r\n\r\n")
    assert echo.targets == [path]


# --- many, and faults --------------------------------------------------------------------------------------------------------------------


def test_many_at_once_get_their_own_bodies(server: Server) -> None:
    def ask(number: int) -> bool:
        body = b"%06d" % number * 500
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
            for _ in range(3):
                connection.request("POST", f"/{number}", body)
                if connection.getresponse().read() != body:
                    return False
        return True

    with ThreadPoolExecutor(40) as pool:
        assert all(pool.map(ask, range(120)))


def test_who_is_slow_holds_up_nobody(server: Server, echo: Echo) -> None:
    with (
        socket.create_connection(("127.0.0.1", server.port)) as unfinished,
        socket.create_connection(("127.0.0.1", server.port)) as waiting,
    ):
        unfinished.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nno more")
        waiting.sendall(b"GET /wait HTTP/1.1\r\n\r\n")
        assert statuses(raw(server, b"GET /quick HTTP/1.1\r\n\r\n")) == [b"200"]
        echo.may_go_on.set()
        assert waiting.recv(100).startswith(b"HTTP/1.1 200")


def test_a_client_that_goes_away_before_its_answer_hurts_nobody(server: Server, echo: Echo) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # as a process that is killed: a reset
            connection.sendall(b"GET /wait HTTP/1.1\r\n\r\n")
    echo.may_go_on.set()
    assert statuses(raw(server, b"GET / HTTP/1.1\r\n\r\n")) == [b"200"]


def test_a_fault_of_the_gateway_is_answered_and_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "local.server"):
        answer = raw(server, b"GET /raise HTTP/1.1\r\n\r\n")
    assert statuses(answer) == [b"500"] and b'{"message": "Internal Server Error"}' in answer
    assert "a fault of the gateway" in caplog.text
    assert statuses(raw(server, b"GET / HTTP/1.1\r\n\r\n")) == [b"200"]


def test_a_stopped_server_gives_its_port_back(echo: Echo) -> None:
    server = Server(0, echo)
    server.serve()
    assert statuses(raw(server, b"GET / HTTP/1.0\r\n\r\n")) == [b"200"]
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        raw(server, b"GET / HTTP/1.0\r\n\r\n")
    again = Server(server.port, echo)
    again.server_close()


@pytest.mark.parametrize("port", [-1, 65_536, 10**9])
def test_a_port_that_is_none_is_said_with_what_to_do(echo: Echo, port: int) -> None:
    with pytest.raises(PortTaken, match=rf"Port {port} of 127.0.0.1 can't be had .* Choose another one: PARLEY_PORT="):
        Server(port, echo)
