"""A host is called as their organization calls them, wherever others read it: a directory's name, in that organization alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from parley.identity.models import OrganizationMember, User
from parley.kernel.persistence import transactions
from tests.harness import Client, Member, World
from tests.scheduling.booking_scenarios import Office, at

CALLED = "Ada of the directory"
# Who reads the person's own name, and why it is nobody else's reading.
OWN = {
    "identity/members/member_profiles.py": "it is where the two names meet",
    "identity/members/membership.py": "the membership's name comes first there",
    "identity/self_service/own_account.py": "the person themself",
    "identity/organizations/current_caller.py": "the person themself",
    "identity/sessions/log_in_sessions.py": "the person's own tokens",
    "identity/sessions/refresh_tokens.py": "the person's own tokens",
    "identity/mails/single_sign_on_mail.py": "a mail to the person",
    "scim/user_mapping.py": "the membership's name comes first there",
    "scheduling/notifications/connection_failure_mail.py": "a mail to the person",
}


def test_every_reader_says_the_organizations_name(world: World, office: Office, stranger: Client, acme: Member) -> None:
    made = office.event_type()
    with transactions.transaction(acme.caller) as session:
        session.execute(update(OrganizationMember).where(OrganizationMember.user_id == acme.user_id).values(display_name=CALLED))
    assert acme.get(f"/v1/identity/members/{acme.user_id}").body["name"] == CALLED
    assert stranger.get(f"/v1/scheduling/event-types/{made['id']}/public").body["host_name"] == CALLED
    slug = acme.get("/v1/identity/organization").body["slug"]
    for path in (f"/{slug}", f"/{slug}/{made['slug']}"):
        page = stranger.get(path).raw.decode()
        assert CALLED in page and "Owner of Acme" not in page
    before = len(world.mails())
    booked = office.book(made, at("10:00"))
    assert booked.status == 201, booked.raw
    world.pump()
    mails = " ".join(
        mail["raw"] for mail in world.mails()[before:] if "grace@visitor.example" in mail["to"] or acme_address(acme) in mail["to"]
    )
    assert CALLED in mails.replace("=\r\n", "").replace("=\n", "")
    assert "Owner of Acme" not in mails
    assert acme.get("/v1/identity/me").body["name"] == "Owner of Acme"  # to themself, their own


def acme_address(acme: Member) -> str:
    return str(acme.rows(select(User.email).where(User.id == acme.user_id))[0])


def test_nobody_else_reads_the_persons_own_name() -> None:
    """Whoever shows a member to others asks `memberships` how the organization calls them."""
    hits_by_file: dict[str, list[Any]] = {}
    for file in sorted(Path("shared/parley").rglob("*.py")):
        name = str(file.relative_to("shared/parley"))
        if hits := re.findall(r"\b(?:User|user|owner|inviter|colleague)\.name\b(?!_)", file.read_text()):
            hits_by_file[name] = hits
    assert hits_by_file.keys() == OWN.keys()
