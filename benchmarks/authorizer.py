"""What it costs to know who asks: the authorizer for a token and for a key, warm and cold, and what admission adds to a request.

The authorizer is called as Lambda calls it, event to answer, in this process; the gateway would remember its answer for a minute.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
from sqlalchemy import text

from benchmarks.imports import ROOT, Interpreter
from benchmarks.measurement import Row, Table, in_turns, show
from benchmarks.requests import standing
from local.template import load
from parley.kernel.access.admission import Admission
from parley.kernel.persistence import transactions
from tests.harness import Member, World
from tests.kernel.postgres_proxy import wired

ROUNDS, COLD_ROUNDS = 300, 7
SIGNATURE, LOOK_UP, WITHOUT = "the signature alone, PyJWT", "SELECT 1, with SQLAlchemy", "without it"


def measure(world: World) -> list[Table]:
    with Path(os.devnull).open("w") as quiet, redirect_stdout(quiet):
        acme = world.organization("Acme")
        token, key = str(acme.token), str(acme.key("schedules:read").token)
        typo = key[:-1] + ("0" if key[-1] != "0" else "1")
        trips = _trips(world, {"a token": token, "a key": key, "a key with a typo": typo})
        warm = _warm(world, token, key, typo)
        admission = _admission(acme)
    return [
        Table("Round trips of the authorizer to PostgreSQL, counted on the wire", trips),
        Table("CPU of one call of the authorizer, warm", warm),
        Table("What admission adds to the smallest transaction of a tenant (begin, one SELECT, commit)", admission),
        Table("Import of the authorizer in a fresh interpreter, with bytecode: CPU", _cold()),
    ]


def _call(world: World, secret: str) -> Callable[[], Any]:
    event = {"identitySource": [f"Bearer {secret}"], "requestContext": {}}
    return lambda: world.invoke("identity/authorize", event)


def _trips(world: World, secrets: dict[str, str]) -> list[Row]:
    rows = []
    with wired() as wire:
        for name, secret in secrets.items():
            _call(world, secret)()
            before = wire.round_trips
            _call(world, secret)()
            rows.append(Row.exact(name, wire.round_trips - before, ""))
    return rows


def _signature(token: str) -> Callable[[], Any]:
    key = jwt.PyJWK(json.loads(os.environ["TOKEN_JWKS"])["keys"][0])
    audience = os.environ.get("TOKEN_AUDIENCE", "parley")
    return lambda: jwt.decode(token, key, algorithms=["ES256"], audience=audience)


def _warm(world: World, token: str, key: str, typo: str) -> list[Row]:
    calls = [_call(world, token), _signature(token), _call(world, key), lambda: transactions.lookup("SELECT 1"), _call(world, typo)]
    of_token, signature, of_key, look_up, of_typo = in_turns([lambda call=call: call for call in calls], ROUNDS)  # type: ignore[misc]
    return [
        Row.of("a token", of_token.cpu, "ms", SIGNATURE, signature.cpu),
        Row.of("a key", of_key.cpu, "ms", LOOK_UP, look_up.cpu),
        Row.of("a key, on the clock", of_key.wall, "ms", LOOK_UP, look_up.wall),
        Row.of("a key with a typo", of_typo.cpu, "ms", SIGNATURE, signature.cpu),
    ]


def _admission(acme: Member) -> list[Row]:
    def begun(admission: Admission | None) -> None:
        with transactions.transaction(replace(acme.caller, admission=admission)) as session:
            session.execute(text("SELECT 1")).scalar_one()

    samples, unasked = in_turns([lambda: lambda: begun(Admission()), lambda: lambda: begun(None)], ROUNDS)
    with wired() as wire:
        trips = []
        for admission in (Admission(), None, Admission(), None):
            before = wire.round_trips
            begun(admission)
            trips.append(wire.round_trips - before)
    return [
        Row.exact("round trips", trips[2], "", WITHOUT, trips[3]),
        Row.of("on the clock, the database beside us", samples.wall, "ms", WITHOUT, unasked.wall),
        Row.of("our CPU", samples.cpu, "ms", WITHOUT, unasked.cpu),
    ]


def _cold() -> list[Row]:
    authorizer = load(ROOT / "template.yaml").functions["IdentityAuthorize"]
    with tempfile.TemporaryDirectory(prefix="parley-imports-") as folder:
        interpreter = Interpreter(Path(folder), [authorizer])
        look_up = replace(authorizer, module="parley.identity.keys.api_key_lookup")
        interpreter.run(look_up)  # compiles what only keys need
        bare, token, key = [], [], []
        for _ in range(COLD_ROUNDS):
            bare.append(interpreter.run(None).cpu)
            token.append(interpreter.run(authorizer).cpu)
            key.append(interpreter.run(look_up).cpu)
    return [
        Row.of("for a token", token, "ms", "Python alone", bare),
        Row.of("what the first key adds, imported alone", key, "ms", "Python alone", bare, "the driver; no SQLAlchemy"),
    ]


if __name__ == "__main__":
    with standing() as world:
        show(measure(world))
