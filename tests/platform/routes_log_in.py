"""log_in: a request for each route, and the ids that its paths take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from parley.identity.models import User
from parley.identity.sessions import log_in_sessions
from parley.kernel.access.callers import NOWHERE, ActorType, Caller
from parley.kernel.persistence import transactions
from tests.identity.registered_users import PASSWORD, ProgramClient, address, person, received_mails, register
from tests.identity.test_second_factors import challenge_of, enrolled

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.platform.every_route import Request, SeededOrganization

VISITOR = Caller(NOWHERE, ActorType.VISITOR, ip_address="192.0.2.1", user_agent="a test")
FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}


def add_session(user_id: UUID, world: World) -> str:
    with transactions.personal(VISITOR, user_id) as session:
        user = session.scalars(select(User).where(User.id == user_id)).one()
        return str(log_in_sessions.start(session, VISITOR, user, ["pwd"]).session_id)


def link(world: World, path: str, email: str) -> str:
    """The token of a new link for an address that has an account."""
    assert ProgramClient(world).post(path, {"email": email}).status == 202
    return received_mails(world, email)[-1].token


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    world, member = house.world, house.member

    def send(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, who: Any = None) -> Request:
        client = who or ProgramClient(world)
        return lambda: client.request(method, path, body, headers)

    def personal_request(method: str, path: str, body: Any = None) -> Callable[[], Request]:
        return lambda: send(method, path, body, who=person(world))

    def second_step() -> Request:
        ada, app, _ = enrolled(world)
        challenge = challenge_of(ada.log_in())
        return send("POST", "/v1/auth/login/second-factor", {"challenge": challenge, "code": app.code()})

    def redeem(path: str, request_path: str) -> Request:
        return send("POST", path, {"token": link(world, request_path, person(world).email)})

    def reset() -> Request:
        token = link(world, "/v1/auth/password-reset", person(world).email)
        return send("POST", "/v1/auth/password-reset/redeem", {"token": token, "password": "three rivers, no bridge"})

    def confirm_email() -> Request:
        ada, new = person(world), address()
        assert ada.post("/v1/auth/email", {"email": new, "password": PASSWORD}).status == 202
        return send("POST", "/v1/auth/email/confirm", {"token": received_mails(world, new)[-1].token}, who=ada)

    def confirm_totp() -> Request:
        import pyotp

        ada = person(world)
        secret = ada.post("/v1/auth/totp", {"password": PASSWORD}).body["secret"]
        return send("POST", "/v1/auth/totp/confirm", {"code": pyotp.TOTP(secret).now()}, who=ada)

    def with_factor(method: str, path: str) -> Request:
        return send(method, path, {"password": PASSWORD}, who=enrolled(world)[0])

    def switch() -> Request:
        from tests.identity.test_sessions import join

        ada = person(world)
        join(member, ada)
        return send("POST", "/v1/auth/switch", {"organization_id": str(member.organization_id)}, who=ada)

    magic, login = "/v1/auth/magic-link", {"email": person(world).email, "password": PASSWORD}
    change = {"current_password": PASSWORD, "new_password": "three rivers, no bridge"}
    return {
        "POST /v1/auth/register": lambda: send("POST", "/v1/auth/register", {"email": address(), "password": PASSWORD}),
        "POST /v1/auth/verify-email": lambda: send("POST", "/v1/auth/verify-email", {"token": register(world)[1], "password": PASSWORD}),
        "POST /v1/auth/login": lambda: send("POST", "/v1/auth/login", login),
        "POST /v1/auth/login/second-factor": second_step,
        "POST /v1/auth/magic-link": lambda: send("POST", magic, {"email": address()}),
        "POST /v1/auth/magic-link/redeem": lambda: redeem(f"{magic}/redeem", magic),
        "POST /v1/auth/password-reset": lambda: send("POST", "/v1/auth/password-reset", {"email": address()}),
        "POST /v1/auth/password-reset/redeem": reset,
        "POST /v1/auth/email": personal_request("POST", "/v1/auth/email", {"email": address(), "password": PASSWORD}),
        "POST /v1/auth/email/confirm": confirm_email,
        "PUT /v1/auth/password": personal_request("PUT", "/v1/auth/password", change),
        "POST /v1/auth/refresh": lambda: send("POST", "/v1/auth/refresh", {"refresh_token": person(world).refresh_token}),
        "POST /v1/auth/logout": lambda: send("POST", "/v1/auth/logout", {"refresh_token": person(world).refresh_token}),
        "POST /v1/auth/logout-everywhere": personal_request("POST", "/v1/auth/logout-everywhere", {}),
        "POST /v1/auth/switch": switch,
        "GET /v1/auth/sessions": lambda: send("GET", "/v1/auth/sessions?limit=100", who=member),
        "DELETE /v1/auth/sessions/{session_id}": lambda: send(
            "DELETE", f"/v1/auth/sessions/{add_session(member.user_id, world)}", who=member
        ),
        "POST /v1/auth/totp": personal_request("POST", "/v1/auth/totp", {"password": PASSWORD}),
        "POST /v1/auth/totp/confirm": confirm_totp,
        "DELETE /v1/auth/totp": lambda: with_factor("DELETE", "/v1/auth/totp"),
        "DELETE /v1/auth/account": personal_request("DELETE", "/v1/auth/account", {"password": PASSWORD}),
        "POST /v1/auth/recovery-codes": lambda: with_factor("POST", "/v1/auth/recovery-codes"),
        "PATCH /v1/identity/me": personal_request("PATCH", "/v1/identity/me", {"name": "Ada"}),
        "GET /.well-known/jwks.json": lambda: send("GET", "/.well-known/jwks.json"),
        "GET /links/{token}": lambda: send("GET", f"/links/{register(world)[1]}"),
        "POST /links/{token}": lambda: send("POST", f"/links/{register(world)[1]}", b"password=" + PASSWORD.encode(), FORM),
    }


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    return {"session_id": add_session(member.user_id, world)}


def _sessions(house: SeededOrganization, count: int) -> None:
    for _ in range(count):
        add_session(house.member.user_id, house.world)


BODIES: dict[str, Any] = {}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""

LISTS = {"GET /v1/auth/sessions": _sessions}
