"""Nobody keeps a person out: failures count for account and network, and a device that was logged in before is counted by itself."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import text

from parley.identity.log_in import brute_force_throttle
from parley.kernel.access import device_tokens
from parley.kernel.persistence import transactions
from tests.harness import World
from tests.identity.registered_users import PASSWORD, Person, ProgramClient, address, person, received_mails

LOG_IN = "/v1/auth/login"
WRONG = "not the password at all"


def guesses(
    who: ProgramClient, email: str, count: int = brute_force_throttle.FREE_FAILURES + 1, headers: Mapping[str, str] | None = None
) -> list[int]:
    return [who.request("POST", LOG_IN, {"email": email, "password": WRONG}, headers).status for _ in range(count)]


def log_in(who: ProgramClient, email: str, **headers: str) -> int:
    return who.request("POST", LOG_IN, {"email": email, "password": PASSWORD}, headers).status


def few_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        brute_force_throttle, "_OF_STRANGER", brute_force_throttle._OF_STRANGER.replace(str(brute_force_throttle.EVERYWHERE[0]), "8")
    )


def device_of(ada: Person) -> str:
    return str(ada.log_in().body["device_token"])


def test_a_strangers_failures_keep_only_the_stranger_out(world: World) -> None:
    ada, stranger = person(world), ProgramClient(world)
    assert guesses(stranger, ada.email)[-1] == 429
    assert log_in(stranger, ada.email) == 429
    assert log_in(ProgramClient(world), ada.email) == 200


def test_guesses_from_everywhere_hold_up_new_devices_and_no_known_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    few_everywhere(monkeypatch)
    ada = person(world)
    device = device_of(ada)
    assert [guesses(ProgramClient(world), ada.email, 1)[0] for _ in range(9)] == [401] * 8 + [429]
    assert log_in(ProgramClient(world), ada.email) == 429
    assert log_in(ProgramClient(world), ada.email, **{device_tokens.HEADER: device}) == 200
    assert log_in(ProgramClient(world), ada.email, cookie=f"{device_tokens.COOKIE}={device}") == 200


def test_a_known_device_has_a_count_of_its_own(world: World) -> None:
    ada = person(world)
    device, other = device_of(ada), device_of(ada)
    thief = ProgramClient(world)
    assert guesses(thief, ada.email, headers={device_tokens.HEADER: device}) == [401] * brute_force_throttle.FREE_FAILURES + [429]
    assert log_in(ProgramClient(world), ada.email, **{device_tokens.HEADER: device}) == 429
    assert log_in(ProgramClient(world), ada.email, **{device_tokens.HEADER: other}) == 200
    assert log_in(ProgramClient(world), ada.email) == 200


def test_a_device_of_another_account_or_a_forged_one_is_a_new_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    few_everywhere(monkeypatch)
    ada, mallory = person(world), person(world)
    device = device_of(ada)
    name, until, proof = device.split(".")
    for _ in range(8):
        guesses(ProgramClient(world), ada.email, 1)
    forged = (
        device_of(mallory), f"x{name}.{until}.{proof}", f"{name}.{int(until) + 1}.{proof}", f"{name}.{until}.{proof[::-1]}",
        f"{name}.{until}", "..", "a.b.c", "x" * 300, f"{name}.²{until}.{proof}",
    )  # fmt: skip
    assert {log_in(ProgramClient(world), ada.email, **{device_tokens.HEADER: device_token}) for device_token in forged} == {429}
    assert device_tokens.verified_name(device, f" {ada.email.upper()}") == name
    assert device_tokens.verified_name(f"{name}.1.{device_tokens._proof(ada.email, name, '1')}", ada.email) is None  # it has run out


def test_a_browser_keeps_the_device_where_no_script_reads_it(world: World) -> None:
    ada = person(world)
    answer = ada.log_in(cookie=True)
    assert answer.body["device_token"] is None
    headers = str(world.gateway.handle(ada_logs_in(ada)).headers)
    assert device_tokens.COOKIE in headers
    cookie = headers[headers.index(device_tokens.COOKIE) :].partition("')")[0]
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/v1/auth", "Max-Age=15552000"))


def ada_logs_in(ada: Person):  # type: ignore[no-untyped-def]  # the gateway's own request
    import json

    from local.http_api import Request

    body = json.dumps({"email": ada.email, "password": PASSWORD, "cookie": True}).encode()
    return Request("POST", LOG_IN, (("content-type", "application/json"),), body, ada.ip)


def test_asking_again_prolongs_nothing(world: World) -> None:
    ada, stranger = person(world), ProgramClient(world)
    guesses(stranger, ada.email)

    def counts() -> list[tuple[int, object]]:
        with transactions.sweep() as session:
            rows = session.execute(text("SELECT failures, blocked_until FROM sign_in_throttles ORDER BY subject"))
            return [(row.failures, row.blocked_until) for row in rows]

    before = counts()
    assert {log_in(stranger, ada.email) for _ in range(5)} == {429}
    assert counts() == before


def test_asking_for_links_in_a_persons_name_leaves_their_device_its_own(world: World) -> None:
    ada = person(world)
    device = device_of(ada)
    for _ in range(7):
        ProgramClient(world).post("/v1/auth/magic-link", {"email": ada.email})
    count = len(received_mails(world, ada.email))
    ProgramClient(world).post("/v1/auth/magic-link", {"email": ada.email})
    assert len(received_mails(world, ada.email)) == count
    ProgramClient(world).post("/v1/auth/magic-link", {"email": ada.email}, {device_tokens.HEADER: device})
    assert len(received_mails(world, ada.email)) == count + 1
    assert ProgramClient(world).post("/v1/auth/magic-link", {"email": address()}, {device_tokens.HEADER: device}).status == 202


def test_a_proof_of_somebody_logged_in_is_not_held_up_by_strangers(world: World) -> None:
    ada = person(world)
    guesses(ProgramClient(world), ada.email)
    changed = ada.put("/v1/auth/password", {"current_password": PASSWORD, "new_password": f"{PASSWORD} and another"})
    assert changed.status == 204, changed.raw
