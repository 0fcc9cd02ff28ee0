"""An organization with single sign-on, and browsers that log in."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from sqlalchemy import select

from local.http_api import Request, Response
from parley.identity.models import User
from parley.kernel.values.ids import new_id
from tests.harness import Answer, Client, Member, World
from tests.saml.dns_server import nameserver
from tests.saml.identity_provider import IdentityProvider, ReceivedAuthnRequest


@dataclass
class SamlBrowser:
    """Keeps cookies."""

    world: World
    cookies: dict[str, str] = field(default_factory=dict)

    def request(self, method: str, url: str, form: dict[str, str] | None = None) -> Response:
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = [("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))] if self.cookies else []
        if form is not None:
            headers.append(("content-type", "application/x-www-form-urlencoded"))
        answer = self.world.gateway.handle(Request(method, target, tuple(headers), urlencode(form or {}).encode()))
        for name, value in answer.headers:
            if name == "set-cookie":
                pair, *attributes = value.split("; ")
                key, _, content = pair.partition("=")
                if "Max-Age=0" in attributes:
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = content
        return answer


@dataclass
class SsoOrganization:
    """An organization, its identity provider, and the connection between them."""

    world: World
    owner: Member
    provider: IdentityProvider
    domain: str
    connection: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/saml/{self.owner.organization_id}"

    def browser(self) -> SamlBrowser:
        return SamlBrowser(self.world)

    def begin(self, browser: SamlBrowser, return_to: str | None = None) -> ReceivedAuthnRequest:
        """Go to the log-in, and let pysaml2 read what the identity provider gets."""
        query = f"?{urlencode({'return_to': return_to})}" if return_to is not None else ""
        away = browser.request("GET", f"{self.path}/login{query}")
        assert away.status == 302, away.body
        location = away.header("location")
        assert location is not None
        return self.provider.read(location)

    def post(self, browser: SamlBrowser, document: bytes, relay_state: str | None, path: str | None = None) -> Answer:
        form = {"SAMLResponse": base64.b64encode(document).decode()}
        if relay_state is not None:
            form["RelayState"] = relay_state
        response = browser.request("POST", f"{path or self.path}/acs", form)
        return Answer(response.status, dict(response.headers), response.body)

    def log_in(self, email: str, **terms: Any) -> Answer:
        """The whole way, in a new browser."""
        browser = self.browser()
        authn_request = self.begin(browser)
        return self.post(browser, self.provider.respond(authn_request, email, **terms), authn_request.relay_state)


def with_sso(world: World, name: str = "Acme", *, provider: IdentityProvider | None = None, **terms: Any) -> SsoOrganization:
    owner = world.organization(f"{name}{new_id().hex[-10:]}")  # a domain of its own: it belongs to the first who claims it
    [email] = owner.rows(select(User.email).where(User.id == owner.user_id))
    return connected(world, owner, email.rpartition("@")[2], provider or IdentityProvider(), **terms)


def prove(member: Member, domain: str) -> None:
    """Put into DNS what the organization is told to, and have it looked up."""
    proofs = {proof["domain"]: proof for proof in member.get("/v1/saml/connection").body["domain_proofs"]}
    nameserver().records.setdefault(proofs[domain]["record_name"], []).append(proofs[domain]["record_value"])
    answer = member.post("/v1/saml/domains/verify", {"domain": domain})
    assert (answer.status, answer.body["status"]) == (200, "PROVEN"), answer.raw


def connected(
    world: World, owner: Member, domain: str, provider: IdentityProvider, *, is_proven: bool = True, **terms: Any
) -> SsoOrganization:
    nameserver()
    answer = owner.request("PUT", "/v1/saml/connection", {"idp_metadata": provider.metadata(), "domains": [domain], **terms})
    assert answer.status == 200, answer.raw
    if is_proven and answer.body["status"] == "ACTIVE":
        prove(owner, domain)
    provider.sp_metadata = Client(world).get(f"/saml/{owner.organization_id}/metadata").raw.decode()
    return SsoOrganization(world, owner, provider, domain, owner.get("/v1/saml/connection").body)
