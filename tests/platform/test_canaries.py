"""No secret lies in clear in what was written: every route is called with everything that it takes and gives, and all of it is searched."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator

import pytest
from pydantic import BaseModel

from local import handlers
from local.http_api import Request
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.values.ids import new_id
from tests.harness import World
from tests.platform.canary_gateway import PEOPLE, SECRET_FIELDS, Remembering, forms_of, read
from tests.platform.every_route import SeededOrganization

SETTINGS = ("PEPPER", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN")
OTHERS = {"werkzeug", "moto", "local"}  # what stands in for AWS, for a provider, for the gateway
PUBLIC_WORDS = {"parley", "application/json"}
# Answers whose `code` or `state` is no secret: the code of a problem or of a trouble, the state of a thing.
PLAIN = {("Problem", "code"), ("ProviderProblem", "code")}


class Written(logging.Handler):
    """Everything that anybody logs, as text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] not in OTHERS:
            self.lines.append(f"{record.name}: {self.format(record)} {record.__dict__}")


@pytest.fixture(scope="module")
def passed(world: World) -> Iterator[tuple[Remembering, Written]]:
    """Every route was called, each request once more with a field too many, and the workers have done their work."""
    gateway, written = Remembering(world), Written()
    logger, root = logging.getLogger("parley"), logging.getLogger()
    before, plain = (logger.level, root.level), world.gateway
    for function in world.template.functions.values():
        handlers.load(function)
    written.setFormatter(logger.handlers[0].formatter)  # Powertools asks whichever handler for its own
    logger.addHandler(written)
    root.addHandler(written)
    logger.setLevel(logging.DEBUG)
    root.setLevel(logging.INFO)
    world.gateway = gateway
    try:
        house = SeededOrganization(world, world.organization("Canary"))
        for ready in house.requests().values():
            ready()()
        for request in list(gateway.sent.values()):
            if request.body.startswith(b"{"):
                spoiled = b'{"unheard_of": 1, ' + request.body[1:] if len(request.body) > 2 else request.body
                gateway.handle(Request(request.method, request.target, request.headers, spoiled))
        world.pump()
        yield gateway, written
    finally:
        world.gateway = plain
        gateway.close()
        logger.removeHandler(written)
        root.removeHandler(written)
        logger.setLevel(before[0])
        root.setLevel(before[1])


@pytest.fixture(scope="module")
def secrets(passed: tuple[Remembering, Written], world: World) -> dict[str, str]:
    gateway, _ = passed
    planted = gateway.secrets | {os.environ[name]: f"the setting {name}" for name in SETTINGS}
    return {secret: route for secret, route in planted.items() if secret not in PUBLIC_WORDS}


def among(secrets: dict[str, str], texts: Iterable[str]) -> dict[str, str]:
    """The secrets that stand in any of the texts: few are looked for in each, when there are any."""
    whole = "\n".join(texts)
    return {secret: route for secret, route in secrets.items() if any(form in whole for form in forms_of(secret))}


def leaks(secrets: dict[str, str], text: str) -> list[str]:
    return [f"{route}: {secret[:6]}…" for secret, route in secrets.items() if any(form in text for form in forms_of(secret))]


def test_there_is_something_to_find(secrets: dict[str, str]) -> None:
    routes = set(secrets.values())
    assert {"POST /v1/identity/api-keys", "POST /v1/inbox/connections"} <= routes
    assert len(secrets) >= 10
    text = f"{secrets}"
    assert leaks(secrets, text) and leaks({"x" * 20: "here"}, ("x" * 20).encode().hex())


def test_no_secret_is_logged(passed: tuple[Remembering, Written], secrets: dict[str, str]) -> None:
    _, written = passed
    assert len(written.lines) > 10
    candidates = among(secrets, written.lines)
    assert [(line[:60], matches) for line in written.lines if (matches := leaks(candidates, line))] == []


def test_no_address_is_logged(passed: tuple[Remembering, Written]) -> None:
    _, written = passed
    assert PEOPLE.findall("\n".join(written.lines)) == []


def test_no_secret_is_announced(passed: tuple[Remembering, Written], secrets: dict[str, str]) -> None:
    gateway, _ = passed
    assert gateway.announced
    assert leaks(secrets, "\n".join(gateway.announced)) == []


def unissued(body: bytes) -> str:
    """A refusal without the challenge that it begins a second step with: it is made for this answer."""
    content = read(body, "json")
    return (
        str({name: value for name, value in content.items() if name != "challenge"})
        if isinstance(content, dict)
        else body.decode(errors="replace")
    )


def test_no_refusal_repeats_a_secret(passed: tuple[Remembering, Written], secrets: dict[str, str]) -> None:
    gateway, _ = passed
    assert len(gateway.refusals) > 5
    candidates = among(secrets, (unissued(body) for _, body in gateway.refusals))
    matches = [(route, leak) for route, body in gateway.refusals for leak in leaks(candidates, unissued(body))]
    assert matches == []


def test_no_column_of_any_table_holds_a_secret(world: World, passed: tuple[Remembering, Written], secrets: dict[str, str]) -> None:
    matches, searched = [], 0
    with world.stack.postgres.superuser("parley") as superuser:
        tables = [
            row[0] for row in superuser.run("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        ]
        for table in tables:
            rows = superuser.run(f'SELECT t::text FROM "{table}" t')
            searched += len(rows)
            matches += [(table, leak) for leak in leaks(secrets, "\n".join(str(row[0]) for row in rows))]
    assert matches == []
    assert len(tables) > 20 and searched > 50


def test_the_trail_holds_no_address(world: World, passed: tuple[Remembering, Written]) -> None:
    with world.stack.postgres.superuser("parley") as superuser:
        rows = superuser.run("SELECT a::text FROM audit_logs a")
    assert rows and PEOPLE.findall("\n".join(str(row[0]) for row in rows)) == []


def _models(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for inner in kind.__subclasses__():
        if inner.__module__.startswith("parley."):
            yield inner
        yield from _models(inner)


def test_no_model_shows_a_secret_when_it_is_printed(world: World) -> None:
    for function in world.template.functions.values():
        handlers.load(function)
    shown = {
        f"{model.__module__}.{model.__name__}.{name}"
        for model in _models(BaseModel)
        for name, field in model.model_fields.items()
        if name in SECRET_FIELDS and field.repr and "Secret" not in str(field.annotation) and (model.__name__, name) not in PLAIN
    }
    assert shown == set()


def test_neither_a_caller_nor_an_error_shows_a_key(world: World) -> None:
    from parley.identity.keys import api_key_format

    key = api_key_format.make(new_id())
    caller = Caller(new_id(), ActorType.API_KEY, new_id(), maker_id=new_id())
    assert key not in repr(caller)
    broken = key[:-1] + "!"
    with pytest.raises(api_key_format.MalformedApiKey) as refused:
        api_key_format.organization_of(broken)
    assert broken not in repr(refused.value) + str(refused.value)
    assert not [name for name, module in sys.modules.items() if name.startswith("functions.") and key in str(vars(module))]
