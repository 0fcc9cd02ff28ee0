from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator

import pytest

from local.http_api import Request, Response
from local.server import PortTaken, Server


def handler(request: Request) -> Response:
    return Response(200, (("x-method", request.method), ("x-target", request.target)), request.body)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server(0, handler)
    server.serve()
    yield server
    server.stop()


def raw(server: Server, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
        return answer


def test_a_connection_serves_many_requests(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    for body in (b"one", b"", b"x" * 1_000_000):
        connection.request("POST", "/a?b=c", body)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("x-target"), answer.read()) == (200, "/a?b=c", body)
    connection.close()


def test_a_chunked_body_is_put_together(server: Server) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert raw(server, head + b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n").endswith(b"\r\n\r\nabcde")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: 10485761\r\n\r\n" + b"x" * 100_000, b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: abc\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nshort", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", b"413"),
        (b"GET / HTTP/9.9\r\n\r\n", b"505"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(200)) + b"\r\n", b"431"),
        (b"BREW /pot HTTP/1.1\r\n\r\n", b"200"),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", b"200"),
        (b"GET http://elsewhere/path?x HTTP/1.1\r\n\r\n", b"200"),
        (b"GET /\xff\x00 HTTP/1.1\r\n\r\n", b"200"),
    ],
)
def test_hostile_requests_get_a_clear_answer_and_hurt_nobody(server: Server, sent: bytes, status: bytes) -> None:
    answer = raw(server, sent)
    assert answer.split(b" ")[1] == status
    assert raw(server, b"GET /after HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_a_target_with_a_host_is_a_path(server: Server) -> None:
    assert b"x-target: /path?x\r\n" in raw(server, b"GET http://elsewhere/path?x HTTP/1.0\r\n\r\n")


def test_a_taken_port_is_a_clear_message(server: Server) -> None:
    with pytest.raises(PortTaken, match=f"Port {server.port} .* is taken"):
        Server(server.port, handler)
