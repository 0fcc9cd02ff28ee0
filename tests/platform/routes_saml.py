"""saml: a request for each route, and the ids that its paths take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from parley.identity.models import MemberRole, OrganizationMember
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.platform.every_route import Request, SeededOrganization


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    from tests.saml.dns_server import nameserver
    from tests.saml.identity_provider import IdentityProvider
    from tests.saml.sso_scenarios import SsoOrganization

    provider = IdentityProvider()
    stranger, path = house.stranger, f"/saml/{house.member.organization_id}"
    person = house.world.person(f"admin@{new_id().hex}.test")  # a domain of its own: it belongs to the first who claims it
    with transactions.transaction(house.member.caller) as session:
        session.add(OrganizationMember(user_id=person.user_id, role=MemberRole.ADMIN))
    member = person.at(house.member.organization_id, "ADMIN")
    wanted = {"idp_metadata": provider.metadata(), "domains": [person.email.rpartition("@")[2]]}

    def proposed() -> dict[str, Any]:
        member.delete("/v1/saml/connection")
        answer = member.put("/v1/saml/connection", wanted)
        assert answer.status == 200, answer.raw
        return {"digest": answer.body["awaiting"]["digest"]}

    def approve() -> Request:
        agreed = proposed()
        return lambda: house.member.post("/v1/saml/connection/approve", agreed)

    def connected() -> None:
        assert approve()().status == 200

    def verify() -> Request:
        connected()
        proofs = member.get("/v1/saml/connection").body["domain_proofs"]
        nameserver().records[proofs[0]["record_name"]] = [proofs[0]["record_value"]]
        return lambda: member.post("/v1/saml/domains/verify", {"domain": proofs[0]["domain"]})

    def ready(request: Request) -> Callable[[], Request]:
        def make() -> Request:
            connected()
            return request

        return make

    def returning() -> Request:
        """An answer for somebody who was here before, in a browser that asked for it."""
        connected()
        provider.__dict__.pop("server", None)
        provider.sp_metadata = stranger.get(f"{path}/metadata").raw.decode()
        made = SsoOrganization(house.world, member, provider, person.email.rpartition("@")[2], {})
        assert made.log_in(person.email).status == 200
        browser = made.browser()
        authn_request = made.begin(browser)
        document = provider.respond(authn_request, person.email)
        return lambda: made.post(browser, document, authn_request.relay_state)

    return {
        "POST /saml/{organization_id}/acs": returning,
        "PUT /v1/saml/connection": ready(lambda: member.put("/v1/saml/connection", wanted)),
        "POST /v1/saml/connection/approve": approve,
        "POST /v1/saml/domains/verify": verify,
        "GET /v1/saml/connection": ready(lambda: member.get("/v1/saml/connection")),
        "DELETE /v1/saml/connection": ready(lambda: member.delete("/v1/saml/connection")),
        "POST /v1/saml/discover": ready(lambda: stranger.post("/v1/saml/discover", {"email": person.email})),
        "GET /saml/{organization_id}/metadata": ready(lambda: stranger.get(f"{path}/metadata")),
        "GET /saml/{organization_id}/login": ready(lambda: stranger.get(f"{path}/login")),
    }


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    return {"organization_id": str(member.organization_id)}


BODIES: dict[str, Any] = {}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""

NO_LISTS = {"/v1/saml/connection"}
"""Paths without a parameter that answer a GET with one thing."""
