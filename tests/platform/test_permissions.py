"""Who may call what: every route × every role, every single scope as a key, and everybody who is nobody, through gateway and authorizer.

A request carries a body of a type that no route takes, so whoever is let in is refused for that (415), before anything happens; who is
not let in is refused first (401, 403).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import update

from local import handlers
from local.template import Route, Template
from parley.identity.keys.api_key_format import make
from parley.identity.models import MemberRole, OrganizationMember
from parley.identity.roles.scopes import CATALOGUE, PROJECT_SCOPES, SCOPES, is_scope
from parley.kernel.edge.request_context import Access
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from tests.harness import Answer, Client, Member, World

NOTHING_TO_DECLARE = {"ANY $default"}  # the refusal of what is not there
RESOURCES = sorted({scope.partition(":")[0] for scope in CATALOGUE})
LET_IN = 415
GATE = {"missing_scope", "not_a_person", "no_organization_chosen"}


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def method_of(route: Route) -> str:
    return "POST" if route.method == "ANY" else route.method


def path_of(route: Route) -> str:
    return "/".join(str(new_id()) if part.startswith("{") else part for part in route.path.split("/"))


def app_of(template: Template, route: Route) -> Any:
    function = template.functions[route.function]
    handlers.load(function)
    return getattr(sys.modules[f"functions.{function.folder.name}.{function.module}"], "app", None)


def declared(template: Template) -> dict[str, Access | str]:
    """What each route needs, as its handler says."""
    return {name_of(route): app_of(template, route).needs for route in template.routes if name_of(route) not in NOTHING_TO_DECLARE}


def test_every_route_declares_who_may_call_it_and_public_ones_have_no_authorizer(world: World) -> None:
    for route in world.template.routes:
        app = app_of(world.template, route)
        if name_of(route) in NOTHING_TO_DECLARE:
            assert app is None and route.authorizer is None, route
            continue
        needs = getattr(app, "needs", None)
        assert isinstance(needs, Access | str), f"{name_of(route)} does not say who may call it"
        assert isinstance(needs, Access) or needs in CATALOGUE, f"{name_of(route)} needs {needs}, which the catalogue does not have"
        assert (needs is Access.ANYBODY) == (route.authorizer is None), f"{name_of(route)}: handler and template disagree on who is let in"


def test_the_scopes_of_roles_and_of_routes_are_the_catalogues() -> None:
    assert all(is_scope(scope) for scopes in SCOPES.values() for scope in scopes)
    assert SCOPES["VIEWER"] < SCOPES["MEMBER"] < SCOPES["ADMIN"] < frozenset(CATALOGUE)


@dataclass
class Somebody:
    """Who calls, and what they may: None for who works for no organization."""

    client: Client
    scopes: frozenset[str] | None
    is_person: bool

    def may(self, needs: Access | str) -> bool:
        if needs is Access.ANYBODY:
            return True
        if needs is Access.PERSON:
            return self.is_person
        if self.scopes is None:
            return False
        return needs is Access.MEMBER or bool(self.scopes & {str(needs), f"{str(needs).partition(':')[0]}:*", "*"})


def everybody(owner: Member) -> Iterator[tuple[str, Somebody]]:
    for role, scopes in SCOPES.items():
        member = owner if role == "OWNER" else owner.as_role(role)
        yield f"a person, {role}", Somebody(member, scopes, True)
    nowhere = owner.world.person()
    yield "a person without an organization", Somebody(nowhere, None, True)
    for word in [*CATALOGUE, *(f"{resource}:*" for resource in RESOURCES), "*"]:
        yield f"a key with {word}", Somebody(owner.key(word), frozenset({word}), False)
    admin = owner.as_role("ADMIN")
    emptied = admin.key("members:write", "teams:write")
    with transactions.transaction(owner.caller) as session:
        session.execute(update(OrganizationMember).where(OrganizationMember.user_id == admin.user_id).values(role=MemberRole.VIEWER))
    yield "a key of whose scopes nothing is left", Somebody(emptied, frozenset(), False)


def answer_of(client: Client, route: Route) -> Answer:
    return client.request(method_of(route), path_of(route), b"x", {"content-type": "text/x-of-no-route"})


def is_kept_out(answer: Answer, needed: Access | str) -> bool:
    """Refused at the gate, and told which scope was missing. SCIM's refusals have no codes (RFC 7644, 3.12)."""
    body = answer.body
    code = body.get("code", "missing_scope" if str(needed) in body["detail"] else "no_organization_chosen")
    names_it = body.get("scope", needed) == needed and str(needed) in body["detail"]
    return answer.status == 403 and code in GATE and (names_it or code != "missing_scope")


def test_every_route_lets_in_whom_it_declares(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each refusal is audited, in a transaction of its own: `test_isolation` looks at that, here it would be twenty thousand times the same.
    monkeypatch.setattr("parley.kernel.edge.http._audit_refusal", lambda event, status: None)
    needs = declared(world.template)
    routes = [route for route in world.template.routes if name_of(route) in needs and route.authorizer is not None]
    wrong, cells = [], 0
    for name, somebody in everybody(world.organization("Matrix")):
        for route in routes:
            needed, answer = needs[name_of(route)], answer_of(somebody.client, route)
            cells += 1
            if not (answer.status == LET_IN if somebody.may(needed) else is_kept_out(answer, needed)):
                wrong.append((name, name_of(route), needed, answer.status, answer.raw[:200]))
    assert wrong == []
    print(f"{cells} cells: {len(routes)} routes × {cells // len(routes)} callers")
    assert cells == len(routes) * (len(SCOPES) + 1 + len(CATALOGUE) + len(RESOURCES) + 2) and cells > 3000


def test_a_key_of_a_project_is_let_in_where_projects_are_known(world: World, acme: Member) -> None:
    project = acme.post("/v1/storage/projects", {"name": "Website", "slug": "website"}).body
    key, scopes = acme.key("*", project_id=project["id"]), PROJECT_SCOPES
    for route in world.template.routes:
        needed = declared(world.template).get(name_of(route))
        if isinstance(needed, str):
            answer = answer_of(key, route)
            is_known = route.path.startswith(("/v1/storage/projects", "/v1/identity/api-keys"))
            code = None if is_known else "outside_the_project" if needed in scopes else "missing_scope"
            assert answer.status == (LET_IN if is_known else 403), (name_of(route), answer.raw)
            assert is_known or answer.body.get("code", code) == code, (name_of(route), answer.raw)


def test_nobody_is_let_in_and_everybody_where_it_is_public(world: World, stranger: Client) -> None:
    nobodies = {"no token": None, "no key": make(new_id()), "a broken key": make(new_id())[:-1] + "!", "a broken token": "e30.e30.e30"}
    needs, cells = declared(world.template), 0
    for route in world.template.routes:
        if name_of(route) not in needs:
            continue
        for token in nobodies.values():
            status = answer_of(Client(world, token), route).status
            is_let_in = status not in (401, 403)
            assert is_let_in == (needs[name_of(route)] is Access.ANYBODY) or app_of(world.template, route).accepts == (), (route, status)
            cells += 1
    assert cells >= 4 * len(needs)


def test_who_belongs_to_another_organization_gets_nothing(world: World, acme: Member, globex: Member) -> None:
    intruder = world.member(acme.organization_id, globex.user_id, "OWNER")
    needs = declared(world.template)
    for route in world.template.routes:
        if not isinstance(needs.get(name_of(route)), str):
            continue
        wanted = {"form_id": str(new_id())} if route.path == "/v1/scheduling/routing-submissions.csv" else None  # one sheet is of one form
        answer = intruder.request(method_of(route), path_of(route), None if route.method == "GET" else {}, query=wanted)
        assert answer.status in (400, 401, 403, 404, 422), (name_of(route), answer.status)
        if route.method in ("GET", "DELETE"):
            assert (answer.status, answer.body["code"]) == (403, "not_a_member"), name_of(route)


@pytest.mark.parametrize("role", ["ADMIN", "MEMBER", "VIEWER"])
def test_a_list_answers_exactly_to_whom_its_scope_is_given(world: World, acme: Member, role: str) -> None:
    """The same with requests that do what they are for, where that changes nothing."""
    member, needs, answered = acme.as_role(role), declared(world.template), 0
    for route in world.template.routes:
        needed = needs.get(name_of(route))
        if route.method != "GET" or "{" in route.path or not isinstance(needed, str):
            continue
        answer = member.get(route.path)
        assert (answer.status != 403) == (needed in SCOPES[role]), (name_of(route), answer.status)
        answered += answer.status == 200
    assert answered >= 5
