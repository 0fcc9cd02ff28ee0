"""Setting up single sign-on, what an identity provider is told of us, and how a log-in begins."""

from __future__ import annotations

import copy
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate
from lxml import etree
from sqlalchemy import select

from parley.identity.models import Organization, User
from parley.kernel.audit.audit import AuditLog
from parley.saml.models import SamlConnection, SamlRequest
from tests.harness import Client, Member, World
from tests.saml.dns_server import nameserver
from tests.saml.identity_provider import IdentityProvider, key_pair
from tests.saml.sso_scenarios import SsoOrganization, prove

PATH = "/v1/saml/connection"


def domain_of(member: Member) -> str:
    [email] = member.rows(select(User.email).where(User.id == member.user_id))
    return str(email).rpartition("@")[2]


def fingerprint(certificate: str) -> str:
    return load_pem_x509_certificate(certificate.encode()).fingerprint(SHA256()).hex()


def parts(provider: IdentityProvider, domain: str, **terms: Any) -> dict[str, Any]:
    return {
        "idp_entity_id": provider.entity_id,
        "idp_sso_url": provider.sso_url,
        "idp_certificates": [provider.certificate],
        "domains": [domain],
        **terms,
    }


def test_a_connection_is_made_from_metadata_shown_and_removed(world: World, house: SsoOrganization) -> None:
    shown = house.owner.get(PATH)
    assert (shown.status, shown.body) == (200, house.connection)
    assert shown.body["idp_entity_id"] == house.provider.entity_id
    assert shown.body["idp_sso_url"] == house.provider.sso_url
    assert shown.body["domains"] == [house.domain]
    assert shown.body["sp_entity_id"].endswith(f"{house.path}/metadata")
    assert len(shown.body["idp_certificates"]) == 1
    [organization] = house.owner.rows(select(Organization))
    assert (organization.sso_enabled, organization.sso_domains) == (True, None)

    assert house.owner.delete(PATH).status == 204
    assert house.owner.get(PATH).status == house.owner.delete(PATH).status == 404
    assert house.owner.rows(select(Organization.sso_enabled)) == [False]
    actions = house.owner.rows(select(AuditLog.action).where(AuditLog.action.like("saml_connection.%")).order_by(AuditLog.id))
    assert actions == ["saml_connection.created", "saml_connection.deleted"]


def test_the_parts_of_a_connection_do_as_well_with_certificates_that_roll_over(world: World) -> None:
    owner = world.organization("Parts")
    provider, following = IdentityProvider(), key_pair()
    nameserver()
    # The owner of the organization named Parts has an address at parts.test.
    wanted = parts(provider, domain_of(owner), is_enforced=True, default_role="VIEWER", name_id_format="PERSISTENT")
    wanted["idp_certificates"] = [provider.certificate, following[1], provider.certificate]
    answer = owner.put(PATH, wanted)
    assert answer.status == 200, answer.raw
    prove(owner, domain_of(owner))
    assert len(answer.body["idp_certificates"]) == 2
    assert (answer.body["default_role"], answer.body["is_enforced"]) == ("VIEWER", True)
    assert owner.rows(select(Organization.sso_domains)) == [[domain_of(owner)]]


def test_metadata_with_comments_and_a_certificate_that_has_expired_beside_the_present_one(world: World) -> None:
    owner, provider = world.organization("Shibboleth"), IdentityProvider()
    root = etree.fromstring(provider.metadata().encode())
    [descriptor] = root.findall(".//{*}KeyDescriptor[@use='signing']")
    former = copy.deepcopy(descriptor)
    former.find(".//{*}X509Certificate").text = "".join(key_pair(expired=True)[1].splitlines()[1:-1])
    descriptor.addprevious(former)
    descriptor.addprevious(etree.Comment("the present one"))
    root.addprevious(etree.Comment("of our identity provider"))
    answer = owner.put(PATH, {"idp_metadata": etree.tostring(root.getroottree()).decode(), "domains": [domain_of(owner)]})
    assert answer.status == 200, answer.raw
    assert [certificate["sha256_fingerprint"] for certificate in answer.body["idp_certificates"]] == [fingerprint(provider.certificate)]

    root.find(".//{*}IDPSSODescriptor").remove(descriptor)
    refused = owner.put(PATH, {"idp_metadata": etree.tostring(root).decode(), "domains": [domain_of(owner)]})
    assert (refused.status, refused.body["code"]) == (422, "unusable_certificate")


def test_a_change_keeps_our_signing_key(house: SsoOrganization) -> None:
    [before] = house.owner.rows(select(SamlConnection))
    other = IdentityProvider(entity_id="https://other.example/")
    assert house.owner.put(PATH, {"idp_metadata": other.metadata(), "domains": [house.domain]}).status == 200
    [after] = house.owner.rows(select(SamlConnection))
    assert (after.id, after.signing_certificate) == (before.id, before.signing_certificate)
    assert after.idp_entity_id == "https://other.example/"


def test_our_private_key_is_shown_to_nobody(house: SsoOrganization) -> None:
    [row] = house.owner.rows(select(SamlConnection))
    assert repr(row.signing_key) == "Sealed(***)"
    assert b"PRIVATE" not in row.signing_key.token
    assert "signing_key" not in house.connection


def test_metadata_that_lists_entities_is_read_where_one_of_them_is_an_identity_provider(world: World) -> None:
    owner, identity_provider, other = (
        world.organization("Listed"),
        IdentityProvider(),
        IdentityProvider(entity_id="https://other.example/metadata"),
    )

    def put(*documents: str, wrapped: int = 1) -> Any:
        inside = "".join(etree.tostring(etree.fromstring(document.encode())).decode() for document in documents)
        for _ in range(wrapped):
            inside = f'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{inside}</md:EntitiesDescriptor>'
        return owner.put(PATH, {"idp_metadata": inside, "domains": [domain_of(owner)]})

    service_provider = Client(world).get(f"/saml/{owner.organization_id}/metadata").raw.decode().partition("?>")[2]
    for documents, wrapped in (
        ((identity_provider.metadata(),), 1),
        ((identity_provider.metadata(),), 3),
        ((service_provider, identity_provider.metadata()), 1),
    ):
        answer = put(*documents, wrapped=wrapped)
        assert (answer.status, answer.body["idp_entity_id"]) == (200, identity_provider.entity_id), answer.raw
    for wrong, detail in (
        ([identity_provider.metadata(), other.metadata()], "2 identity providers"),
        ([service_provider], "none"),
        ([], "none"),
    ):
        refused = put(*wrong)
        assert (refused.status, refused.body["code"]) == (422, "unusable_metadata")
        assert detail in refused.body["detail"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"idp_metadata": "<x/>"}, "unusable_metadata"),
        ({"idp_metadata": "not xml"}, "unsafe_xml"),
        ({"idp_metadata": "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"}, "unsafe_xml"),
        ({"idp_certificates": ["AAAA"]}, "unusable_certificate"),
        ({"idp_certificates": [key_pair(expired=True)[1]]}, "unusable_certificate"),
        ({"idp_certificates": [key_pair(bits=1024)[1]]}, "unusable_certificate"),
        ({"idp_sso_url": "javascript:alert(1)"}, "invalid_request"),
        ({"idp_sso_url": "http://idp.example/sso"}, "invalid_request"),
        ({"idp_sso_url": "https://user@idp.example/sso"}, "invalid_request"),
        ({"idp_certificates": []}, "invalid_request"),
        ({"idp_entity_id": None}, "invalid_request"),
        ({"domains": []}, "invalid_request"),
        ({"domains": ["nodot"]}, "invalid_request"),
        ({"domains": ["gmail.com"]}, "public_mail_domain"),
        ({"default_role": "OWNER"}, "invalid_request"),
        ({"default_role": "KING"}, "invalid_request"),
    ],
)
def test_what_can_not_be_connected_is_refused(world: World, changed: dict[str, Any], code: str) -> None:
    owner = world.organization("Refused")
    wanted = parts(IdentityProvider(), "refused.test") | changed
    if "idp_metadata" in changed:
        wanted = {"domains": ["refused.test"], **changed}
    answer = owner.put(PATH, wanted)
    assert answer.body["code"] == code, answer.raw
    assert owner.get(PATH).status == 404


@pytest.mark.parametrize("role", ["MEMBER", "VIEWER"])
def test_members_do_not_set_it_up(house: SsoOrganization, role: str) -> None:
    member = house.owner.as_role(role)
    for answer in (member.get(PATH), member.put(PATH, {}), member.delete(PATH)):
        assert (answer.status, answer.body["scope"]) == (403, "sso:manage")


def test_the_connection_of_one_organization_is_not_seen_by_another(globex: Member, house: SsoOrganization) -> None:
    assert globex.get(PATH).status == 404


# --- what others are told ----------------------------------------------------------------------------------------------------------------


def test_metadata_is_there_before_the_connection_and_without_a_key(world: World, acme: Member, stranger: Client) -> None:
    answer = stranger.get(f"/saml/{acme.organization_id}/metadata")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/samlmetadata+xml"
    assert b"X509Certificate" not in answer.raw
    assert f"/saml/{acme.organization_id}/acs".encode() in answer.raw


def test_nobody_logs_in_where_there_is_no_connection(world: World, acme: Member, stranger: Client) -> None:
    unknown = UUID(int=7)
    assert stranger.get(f"/saml/{unknown}/metadata").status == 404
    assert stranger.get(f"/saml/{unknown}/login").raw == stranger.get(f"/saml/{acme.organization_id}/login").raw
    assert stranger.get(f"/saml/{unknown}/login").status == 404


def test_an_independent_library_reads_our_metadata_and_verifies_our_request(house: SsoOrganization) -> None:
    browser = house.browser()
    authn_request = house.begin(browser, "/welcome")
    assert authn_request.acs == house.connection["acs_url"]
    assert authn_request.sp_entity_id == house.connection["sp_entity_id"]
    [request] = house.owner.rows(select(SamlRequest))
    assert (authn_request.id, authn_request.relay_state) == (f"_{request.id.hex}", str(request.id))
    assert request.return_to == "/welcome"
    assert len(authn_request.relay_state) <= 80  # saml-bindings-2.0-os, 3.4.3


def test_a_changed_request_is_not_ours(house: SsoOrganization) -> None:
    from saml2.response import IncorrectlySigned

    location = house.browser().request("GET", f"{house.path}/login").header("location")
    assert location
    assert house.provider.read(location)
    with pytest.raises(IncorrectlySigned):
        house.provider.read(location.replace("RelayState=", "RelayState=x"))


def test_the_cookie_is_for_this_host_and_no_script(house: SsoOrganization) -> None:
    cookie = house.browser().request("GET", f"{house.path}/login").header("set-cookie") or ""
    assert cookie.startswith("__Host-parley-saml-")
    assert {"Path=/", "HttpOnly", "Secure", "SameSite=None", "Max-Age=900"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    "return_to", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\tb", "/%s" % ("x" * 1001), ""]
)
def test_a_browser_is_sent_nowhere_else_afterwards(house: SsoOrganization, return_to: str) -> None:
    from urllib.parse import urlencode

    answer = Client(house.world).get(f"{house.path}/login?{urlencode({'return_to': return_to})}")
    assert (answer.status, answer.body["code"]) == (422, "bad_return")


def test_discovery_speaks_of_domains_and_not_of_people(world: World, house: SsoOrganization, stranger: Client) -> None:
    [owner_email] = house.owner.rows(select(User.email).where(User.id == house.owner.user_id))
    for email in (owner_email, f"nobody@{house.domain}", f"NOBODY@{house.domain.upper()}"):
        assert stranger.post("/v1/saml/discover", {"email": email}).body == {"login_url": house.connection["login_url"]}
    for email in ("someone@elsewhere.test", f"someone@sub.{house.domain}"):
        assert stranger.post("/v1/saml/discover", {"email": email}).body == {"login_url": None}


def test_old_requests_are_forgotten(world: World, house: SsoOrganization) -> None:
    from datetime import timedelta

    from sqlalchemy import update

    from parley.kernel.persistence import transactions
    from parley.kernel.values.clock import now

    house.begin(house.browser())
    with transactions.transaction(house.owner.caller) as session:
        session.execute(update(SamlRequest).values(expires_at=now() - timedelta(seconds=1)))
    house.begin(house.browser())
    assert len(house.owner.rows(select(SamlRequest))) == 1
