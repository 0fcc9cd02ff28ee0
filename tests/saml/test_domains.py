"""Whose a domain is: proven in DNS, looked at again, and without effect on others until then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from parley.identity.declared import IdentityDirectory
from parley.identity.models import MemberRole, Organization, OrganizationMember, User
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import directory, transactions
from parley.kernel.persistence.directory import DirectoryEntry
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.saml.models import SamlDomain
from tests.harness import Client, Member, World
from tests.saml.dns_server import nameserver
from tests.saml.identity_provider import IdentityProvider
from tests.saml.sso_scenarios import SsoOrganization, connected, prove, with_sso
from tests.saml.test_owner import administrator, founded

PATH, VERIFY = "/v1/saml/connection", "/v1/saml/domains/verify"


def claimed(world: World, domain: str, name: str = "Claims") -> SsoOrganization:
    """An organization that claims a domain, and has not proven it."""
    return connected(world, world.organization(f"{name}{new_id().hex[-10:]}"), domain, IdentityProvider(), is_proven=False)


def some_domain() -> str:
    return f"corp-{new_id().hex[-10:]}.test"


def discovered(world: World, domain: str) -> Any:
    return Client(world).post("/v1/saml/discover", {"email": f"boss@{domain}"}).body["login_url"]


def row_of(house: SsoOrganization, domain: str | None = None) -> SamlDomain:
    [row] = house.owner.rows(select(SamlDomain).where(SamlDomain.domain == (domain or house.domain)))
    assert isinstance(row, SamlDomain)
    return row


def swept(world: World, house: SsoOrganization, **earlier: Any) -> None:
    """The next look, with the domain's past set back."""
    with transactions.transaction(house.owner.caller) as session:
        session.execute(
            update(SamlDomain).where(SamlDomain.domain == house.domain).values(next_check_at=now() - timedelta(seconds=1), **earlier)
        )
    world.invoke("saml/sweep_domains", {})


# --- a claim -----------------------------------------------------------------------------------------------------------------------------


def test_a_claim_leads_nobody_anywhere(world: World) -> None:
    domain = some_domain()
    boss = world.person(f"boss@{domain}")
    stranger = claimed(world, domain)
    assert discovered(world, domain) is None
    for email in (boss.email, f"newcomer@{domain}"):
        refused = stranger.log_in(email)
        assert (refused.status, refused.body["code"]) == (403, "domain_unproven"), refused.raw
    assert stranger.owner.rows(select(User.email)) == stranger.owner.rows(select(User.email).where(User.id == stranger.owner.user_id))
    assert directory.person_of(IdentityDirectory.EMAIL, f"newcomer@{domain}") is None


def test_a_claim_blocks_nobody_and_the_one_that_is_proven_ends_it(world: World) -> None:
    domain = some_domain()
    stranger, company = claimed(world, domain, "Stranger"), claimed(world, domain, "Company")
    assert stranger.connection["domain_proofs"][0]["status"] == company.connection["domain_proofs"][0]["status"] == "UNPROVEN"
    values = {house.connection["domain_proofs"][0]["record_value"] for house in (stranger, company)}
    assert len(values) == 2  # a token for each: whoever reads one in DNS proves nothing with it
    prove(company.owner, domain)
    assert discovered(world, domain) == company.connection["login_url"]
    assert stranger.owner.get(PATH).body["domain_proofs"][0]["status"] == "TAKEN"
    refused = stranger.owner.post(VERIFY, {"domain": domain})
    assert (refused.status, refused.body["code"]) == (409, "domain_not_proven")
    name = company.connection["domain_proofs"][0]["record_name"]
    nameserver().records[name].append(stranger.connection["domain_proofs"][0]["record_value"])
    refused = stranger.owner.post(VERIFY, {"domain": domain})
    assert (refused.status, refused.body["code"]) == (409, "domain_taken")
    assert company.log_in(f"ada@{domain}").status == 200
    assert stranger.log_in(f"bob@{domain}").body["code"] == "foreign_address"


def test_members_who_are_there_log_in_before_the_domain_is_proven(world: World) -> None:
    domain = some_domain()
    house = claimed(world, domain)
    person = world.person(f"ada@{domain}")
    with transactions.transaction(house.owner.caller) as session:
        session.add(OrganizationMember(user_id=person.user_id, role=MemberRole.MEMBER))
    assert house.log_in(person.email).status == 200


def test_a_domain_is_proven_once_the_owner_has_agreed_to_its_connection(world: World) -> None:
    owner, domain = founded(world)
    admin = administrator(owner, domain)
    house = connected(world, admin, domain, IdentityProvider(), is_proven=False)
    [proof] = house.connection["domain_proofs"]
    nameserver().records[proof["record_name"]] = [proof["record_value"]]
    assert admin.post(VERIFY, {"domain": domain}).body["code"] == "no_such_domain"
    assert owner.post("/v1/saml/connection/approve", {"digest": house.connection["awaiting"]["digest"]}).status == 200
    assert admin.post(VERIFY, {"domain": domain}).body["status"] == "PROVEN"
    # A domain of a change that waits is shown with its record, and proves nothing yet.
    more = some_domain()
    waiting = admin.put(PATH, {"idp_metadata": house.provider.metadata(), "domains": [domain, more]}).body
    assert (waiting["domains"], len(waiting["domain_proofs"])) == ([domain], 2)
    assert admin.post(VERIFY, {"domain": more}).status == 404
    assert owner.put(PATH, {"idp_metadata": house.provider.metadata(), "domains": [domain]}).body["domain_proofs"][0]["status"] == "PROVEN"


@pytest.mark.parametrize("role", ["MEMBER", "VIEWER"])
def test_members_prove_nothing(world: World, role: str) -> None:
    house = claimed(world, some_domain())
    assert house.owner.as_role(role).post(VERIFY, {"domain": house.domain}).status == 403


# --- DNS ---------------------------------------------------------------------------------------------------------------------------------


def test_what_dns_says_decides(world: World) -> None:
    house = claimed(world, some_domain())
    [proof] = house.connection["domain_proofs"]
    server, name, value = nameserver(), proof["record_name"], proof["record_value"]
    assert (proof["record_type"], name) == ("TXT", f"_parley-challenge.{house.domain}")

    def verification() -> tuple[int, str]:
        answer = house.owner.post(VERIFY, {"domain": house.domain})
        return answer.status, answer.body.get("code") or answer.body["status"]

    assert verification() == (409, "domain_not_proven")  # NXDOMAIN
    server.records[name] = ["v=spf1 -all", value[:-1]]
    assert verification() == (409, "domain_not_proven")
    server.broken.add(name)
    assert verification() == (409, "name_servers_silent")
    server.broken.clear()
    assert row_of(house).misses == 2
    server.records[name] = ["x" * 300, value]
    assert verification() == (200, "PROVEN")
    assert verification() == (200, "PROVEN")
    assert house.owner.rows(select(AuditLog.action).where(AuditLog.action.like("saml_domain.%"))) == ["saml_domain.verified"]
    assert house.owner.post(VERIFY, {"domain": some_domain()}).body["code"] == "no_such_domain"


def test_a_name_that_dns_can_not_hold_is_not_proven(world: World) -> None:
    domain = ".".join(["a" * 60] * 4)[:250]
    house = claimed(world, domain)
    assert house.owner.post(VERIFY, {"domain": domain}).body["code"] == "domain_not_proven"


def test_a_proven_domain_is_looked_at_again_and_lost_after_days_only(world: World) -> None:
    house = with_sso(world)
    name, server = f"_parley-challenge.{house.domain}", nameserver()
    first = row_of(house)
    assert first.next_check_at is not None and first.checked_at is not None
    assert first.next_check_at > now() + timedelta(hours=20)
    swept(world, house)
    assert (row_of(house).checked_at or first.checked_at) > first.checked_at

    server.broken.add(name)
    swept(world, house, misses=50, missed_since=now() - timedelta(days=50))
    server.broken.clear()
    assert row_of(house).verified_at is not None  # silence is no word

    record = server.records.pop(name)
    swept(world, house, misses=0, missed_since=None)
    assert (row_of(house).misses, row_of(house).verified_at is not None) == (1, True)
    assert discovered(world, house.domain) == house.connection["login_url"]
    swept(world, house, misses=10)  # many looks, one day
    assert row_of(house).verified_at is not None
    server.records[name] = record
    swept(world, house)
    assert (row_of(house).misses, row_of(house).missed_since) == (0, None)  # it is back, and nothing is held against it

    del server.records[name]
    swept(world, house, misses=4, missed_since=now() - timedelta(days=4))
    lost = row_of(house)
    assert (lost.verified_at, lost.next_check_at) == (None, None)
    assert discovered(world, house.domain) is None
    assert house.owner.get(PATH).body["domain_proofs"][0]["status"] == "UNPROVEN"
    world.pump()
    assert any("not proven any more" in mail["raw"] for mail in world.mails())
    rival = claimed(world, house.domain, "Rival")
    prove(rival.owner, house.domain)
    assert discovered(world, house.domain) == rival.connection["login_url"]


def test_name_servers_that_are_silent_for_a_month_prove_nothing(world: World) -> None:
    house = with_sso(world)
    nameserver().broken.add(f"_parley-challenge.{house.domain}")
    swept(world, house, seen_at=now() - timedelta(days=29))
    assert row_of(house).verified_at is not None
    swept(world, house, seen_at=now() - timedelta(days=31))
    assert row_of(house).verified_at is None
    nameserver().broken.clear()


def test_a_domain_that_is_given_back_is_anybodys(world: World) -> None:
    house = with_sso(world)
    other = some_domain()
    assert house.owner.put(PATH, {"idp_metadata": house.provider.metadata(), "domains": [other]}).status == 200
    assert discovered(world, house.domain) is None
    rival = claimed(world, house.domain)
    prove(rival.owner, house.domain)
    assert rival.owner.delete(PATH).status == 204
    with transactions.sweep() as session:
        keys = session.scalars(select(DirectoryEntry.key).where(DirectoryEntry.key.in_([house.domain, other]))).all()
    assert keys == []


def test_another_organizations_claims_are_not_seen(world: World, house: SsoOrganization, globex: Member) -> None:
    assert globex.rows(select(SamlDomain)) == []
    assert globex.post(VERIFY, {"domain": house.domain}).raw == globex.post(VERIFY, {"domain": "nobodys.test"}).raw
    assert globex.rows(select(Organization.sso_enabled)) == [False]
