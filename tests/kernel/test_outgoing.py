"""Requests to customers' addresses: where they may not go, whatever the form; and who answers badly costs a bounded time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from local.cloudformation import read
from parley.kernel.outbound import http_client
from parley.kernel.outbound.http_client import RequestFailed, UrlRefused, check_url, request
from parley.kernel.outbound.ssrf_guard import AddressRefused, NameNotResolved, normalized, resolve
from parley.kernel.values.errors import Refusal
from tests.kernel.http_receivers import Reply, hanging, raw, receiver

REFUSED = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "100.64.0.1", "100.127.255.255", "169.254.169.254", "169.254.170.2", "169.254.0.1", "168.63.129.16", "192.0.0.1", "192.0.0.170",
    "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255",
    "[::1]", "[::]", "[fe80::1]", "[fe80::1%25eth0]", "[fec0::1]",
    "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]",
    "[100::1]", "[5f00::1]", "[2001::1]", "[2001:10::1]", "[2001:20::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:8.8.8.8]",
    "[::127.0.0.1]", "[::8.8.8.8]", "[64:ff9b::7f00:1]", "[64:ff9b::8.8.8.8]", "[64:ff9b:1::1]", "[2002:7f00:1::1]", "[2002:808:808::1]",
    "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "127.0.1", "1", "0", "0x", "3232235777", "134744072",
    "127.0.0.1.", "2130706433.", "10.0.0.1.", "8.8.8.8.8", "08.8.8.8", "8.8.8.0x8",
    "１２７.０.０.１", "127。0。0。1", "１６９。２５４。１６９。２５４",
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "ｌｏｃａｌｈｏｓｔ", "ⓛocalhost", "printer.local", "metadata.google.internal",
    "ip-10-0-0-1.eu-central-1.compute.internal", "router.lan", "db", "parley", "localhost.localdomain", "1.0.0.127.in-addr.arpa",
    "a..b.example", "-a.example", "a" * 64 + ".example", ".example", ".",
]  # fmt: skip
LOOPBACK = {
    "127.0.0.1", "127.1.2.3", "127.0.0.1.", "[::1]", "localhost", "LOCALHOST", "localhost.",
    "１２７.０.０.１", "127。0。0。1", "ｌｏｃａｌｈｏｓｔ", "ⓛocalhost",
}  # fmt: skip
FORMS = [
    "http://hooks.example/", "ftp://hooks.example/", "file:///etc/passwd", "gopher://hooks.example/", "//hooks.example/", "hooks.example",
    "https://", "https:///x", "https://user@hooks.example/", "https://user:secret@hooks.example/", "https://@hooks.example/",
    "https://hooks.example:22/", "https://hooks.example:80/", "https://hooks.example:0/", "https://hooks.example:65536/",
    "https://hooks.example:x/", "https://hooks.example\\@127.0.0.1/", "https://hooks.example/#here", "https://hooks.example/ x",
    "https://hooks.example/\r\nhost: x", "https://hooks.example/\x00", "https://hooks%2eexample/", "https://127.0.0.1%2f.example/",
    "https://[::1", "https://hooks.example/ü", "https://hooks.example/" + "x" * 2000, "javascript:alert(1)", "https:hooks.example",
    " https://hooks.example/", "https://hooks.example／@10.0.0.1/",
]  # fmt: skip


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_ENVIRONMENT", "production")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_ENVIRONMENT", "local")


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("host", REFUSED)
def test_a_host_that_is_not_on_the_public_internet_is_refused_before_and_at_the_request(host: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_url(f"https://{host}/hook")
    assert isinstance(refused.value, AddressRefused | UrlRefused)
    with pytest.raises(RequestFailed) as failed:
        request("POST", f"https://{host}/hook", {})
    assert failed.value.code == "address_refused"


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("host", sorted(set(REFUSED) - LOOPBACK))
def test_loopback_is_all_that_a_developers_machine_allows_beside(host: str) -> None:
    with pytest.raises(Refusal):
        check_url(f"https://{host}/hook")


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("url", FORMS)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_url(url)
    assert refused.value.status == 422


@pytest.mark.usefixtures("cloud")
def test_public_hosts_pass_in_one_form() -> None:
    target = check_url("HTTPS://Hooks.EXAMPLE.:443/a/b?c=d")
    assert (target.host, target.port, target.path, target.authority) == ("hooks.example", 443, "/a/b?c=d", "hooks.example")
    assert check_url("https://bücher.example:8443").authority == "xn--bcher-kva.example:8443"
    assert check_url("https://8.8.8.8/").host == "8.8.8.8"
    assert check_url("https://[2606:4700:4700::1111]/").authority == "[2606:4700:4700::1111]"


def answers(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """What the resolver says; and a list of what it was asked."""
    hosts: list[str] = []

    def say(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        hosts.append(host)
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", say)
    return hosts


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a00:1", "fe80::1%eth0"],
)
def test_a_name_that_leads_inside_is_refused_even_beside_a_public_address(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    answers(monkeypatch, "8.8.8.8", address)
    with pytest.raises(AddressRefused):
        http_client.check_reachable(check_url("https://rebound.example/"))
    with pytest.raises(RequestFailed, match="address_refused"):
        request("POST", "https://rebound.example/", {})


@pytest.mark.usefixtures("machine")
def test_the_connection_goes_to_the_address_that_was_checked_with_the_name_in_the_host_header(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as endpoint:
        port = int(endpoint.url.split(":")[2].split("/")[0])
        hosts = answers(monkeypatch, "127.0.0.1")
        monkeypatch.setattr(http_client, "check_url", lambda *_: http_client.CheckedUrl("http", "rebound.example", port, "/hook"))
        connected: list[Any] = []
        connect = socket.create_connection

        def noted(to: Any, **rest: Any) -> socket.socket:
            connected.append(to)
            return connect(to, **rest)

        monkeypatch.setattr(socket, "create_connection", noted)
        assert request("POST", endpoint.url, {"x-one": "1", "Host": "evil"}, b"hello").status == 200
    assert hosts.count("rebound.example") == 1, "a second answer would not be the checked one"
    assert connected == [("127.0.0.1", port)]
    [arrived] = endpoint.arrived
    assert (arrived.headers["host"], arrived.headers["x-one"], arrived.body) == (f"rebound.example:{port}", "1", b"hello")


@pytest.mark.usefixtures("machine")
def test_tls_asks_for_the_name_and_trusts_nobody_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = self_signed(tmp_path, "hooks.example")
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: named.append(name)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with raw(serve) as url:
        answers(monkeypatch, "127.0.0.1")
        target = http_client.CheckedUrl("https", "hooks.example", int(url.split(":")[2].split("/")[0]), "/")
        monkeypatch.setattr(http_client, "check_url", lambda *_: target)
        with pytest.raises(RequestFailed, match="tls_failed"):
            request("POST", "https://hooks.example/", {})
        trusting = ssl.create_default_context(cafile=certificate)
        monkeypatch.setattr(http_client, "_tls", lambda: trusting)
        assert request("POST", "https://hooks.example/", {}).status == 204
    assert named == ["hooks.example"] * 2


def self_signed(folder: Path, name: str) -> Path:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.usefixtures("machine")
def test_redirects_are_an_answer_and_nothing_else() -> None:
    with receiver() as endpoint:
        endpoint.answer = lambda _: Reply(302, b"", {"location": "http://169.254.169.254/latest/meta-data/"})
        answer = request("POST", endpoint.url, {}, b"{}")
    assert (answer.status, len(endpoint.arrived)) == (302, 1)


@pytest.mark.usefixtures("machine")
def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    with receiver() as endpoint:
        assert request("POST", endpoint.url, {}).status == 200


@pytest.mark.usefixtures("machine")
def test_an_answer_is_read_up_to_its_limit() -> None:
    with receiver() as endpoint:
        endpoint.answer = lambda _: Reply(200, b"x" * 1_000_000)
        cut = request("POST", endpoint.url, {}, most_bytes=4096)
        endpoint.answer = lambda _: Reply(200, b"x" * 4096)
        whole = request("POST", endpoint.url, {}, most_bytes=4096)
    assert (len(cut.body), cut.is_complete) == (4096, False)
    assert (len(whole.body), whole.is_complete) == (4096, True)


def endless(begin: bytes, part: bytes, pause: float = 0.02) -> Any:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(begin)
        while True:
            connection.sendall(part)
            time.sleep(pause)

    return serve


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("begin", "part"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nx: ", b"y"),
        (b"HTTP/1.1 100 Continue\r\n", b"\r\nHTTP/1.1 100 C\r\n"),
        (b"HTTP/1.1 103 Early Hints\r\n", b"\r\nHTTP/1.1 103 E\r\n"),
    ],
    ids=["status", "headers", "one header", "continue", "hints"],
)
def test_who_drips_does_not_begin_the_time_anew(begin: bytes, part: bytes) -> None:
    with raw(endless(begin, part)) as url:
        began = time.monotonic()
        with pytest.raises(RequestFailed) as failed:
            request("POST", url, {}, seconds=0.5)
        assert time.monotonic() - began < 1.5
    assert failed.value.code in {"timed_out", "bad_response"}


@pytest.mark.usefixtures("machine")
def test_a_body_that_drips_is_cut_at_the_deadline_and_the_status_counts() -> None:
    with raw(endless(b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n", b"z")) as url:
        began = time.monotonic()
        answer = request("POST", url, {}, seconds=0.5)
        assert time.monotonic() - began < 1.5
    assert (answer.status, answer.is_complete) == (200, False)
    assert answer.body


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    "text", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100, b"HTTP/1.1 200 OK\r\n" + b"x" * 200_000, b""]
)
def test_what_is_no_answer_fails(text: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(text)
        connection.close()

    with raw(serve) as url, pytest.raises(RequestFailed) as failed:
        request("POST", url, {}, seconds=3)
    assert failed.value.code in {"bad_response", "connection_failed"}


@pytest.mark.usefixtures("machine")
def test_who_accepts_and_hangs_costs_the_deadline() -> None:
    with hanging() as url:
        began = time.monotonic()
        with pytest.raises(RequestFailed, match="timed_out"):
            request("POST", url, {}, b"x", seconds=0.4)
    assert 0.3 < time.monotonic() - began < 1.5
    with pytest.raises(RequestFailed, match="connection_failed"):
        request("POST", url, {}, seconds=1)


@pytest.mark.usefixtures("machine")
def test_who_greets_late_and_then_does_not_read_costs_the_deadline_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = self_signed(tmp_path, "hooks.example")
    context.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr(http_client, "_tls", lambda: trusting)
    answers(monkeypatch, "127.0.0.1")
    is_over = threading.Event()

    def serve(connection: socket.socket) -> None:
        time.sleep(1.5)
        with context.wrap_socket(connection, server_side=True):
            is_over.wait(10)

    with raw(serve) as url:
        target = http_client.CheckedUrl("https", "hooks.example", int(url.split(":")[2].split("/")[0]), "/")
        monkeypatch.setattr(http_client, "check_url", lambda *_: target)
        began = time.monotonic()
        with pytest.raises(RequestFailed, match="timed_out"):
            request("POST", "https://hooks.example/", {}, b"x" * 64_000_000, seconds=2)
        assert time.monotonic() - began < 3
        is_over.set()


@pytest.mark.usefixtures("machine")
def test_what_comes_before_the_answer_is_not_the_answer() -> None:
    early = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\nretry-after: 9\r\n\r\n"

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(early + b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok")

    with raw(serve) as url:
        answer = request("POST", url, {}, seconds=3)
    assert (answer.status, answer.body, answer.is_complete, answer.headers) == (201, b"ok", True, {"content-length": "2"})


@pytest.mark.usefixtures("machine")
def test_a_resolver_that_hangs_costs_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    def dawdle(*_: Any, **__: Any) -> list[Any]:
        time.sleep(3)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", dawdle)
    began = time.monotonic()
    with pytest.raises(NameNotResolved) as failed:
        resolve("slow.example", 443, 0.2)
    assert failed.value.is_temporary
    assert time.monotonic() - began < 1


@pytest.mark.usefixtures("machine")
def test_headers_of_two_lines_are_not_sent() -> None:
    with receiver() as endpoint:
        with pytest.raises(RequestFailed, match="bad_response"):
            request("POST", endpoint.url, {"x-one": "1\r\nx-two: 2"})
        assert endpoint.arrived == []


def test_a_name_stays_a_name() -> None:
    assert normalized("hooks.example.") == "hooks.example"
    assert normalized("Hooks.Example") == "hooks.example"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("faß.example", "xn--fa-hia.example"),
        ("FAẞ.example", "xn--fa-hia.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("bücher。example", "xn--bcher-kva.example"),
        ("نامه\u200cای.example", "xn--mgba3gch31f060k.example"),
        ("xn--fa-hia.example", "xn--fa-hia.example"),
    ],
)
def test_a_name_in_other_letters_is_the_host_that_browsers_go_to(host: str, name: str) -> None:
    """IDNA 2003 made `fass.example` of the first, which is somebody else's (UTS 46, 7)."""
    assert normalized(host) == name


@pytest.mark.parametrize(
    "host", ["☕.example", "a\u200db.example", "-ä.example", "ä" * 64 + ".example", "１２７.1", "x.ⅼan", "a..ä.example"]
)
def test_a_name_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(AddressRefused):
        normalized(host)


def test_no_deployment_is_the_local_one() -> None:
    document = read(Path(__file__).parents[2] / "template.yaml")
    environment = document["Parameters"]["Environment"]
    assert "local" not in environment["AllowedValues"]
    assert "Default" not in environment or environment["Default"] != "local"
    variables = document["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["PARLEY_ENVIRONMENT"] == {"Ref": "Environment"}
    own = [
        resource["Properties"].get("Environment", {}).get("Variables", {})
        for resource in document["Resources"].values()
        if resource["Type"].endswith("::Function")
    ]
    assert not [settings for settings in own if "PARLEY_ENVIRONMENT" in settings]
