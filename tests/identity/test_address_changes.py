"""A new address: confirmed by who has the account, told to the old one, and taken back from there for a week."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from local.client import Answer
from parley.identity.declared import IdentityDirectory
from parley.identity.models import AuthProvider, AuthProviderType, MemberRole, User, UserTotp, VerificationToken
from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.persistence import directory, transactions
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from tests.harness import Member, World
from tests.identity.registered_users import PASSWORD, Person, ProgramClient, address, person, received_mails, register, verify
from tests.identity.test_links import FORM, NEW, submit
from tests.identity.test_organizations import founded
from tests.identity.test_second_factors import Authenticator, challenge_of, enrolled, second
from tests.identity.test_sessions import join

OTHER = "chosen by somebody else 4"


def id_of(who: Person) -> UUID:
    return UUID(who.tokens["user"]["id"])


def token_for(who: Person, new: str) -> str:
    """The token of the link to a new address."""
    assert who.post("/v1/auth/email", {"email": new, "password": PASSWORD}).status == 202
    return received_mails(who.world, new)[-1].token


def not_me(world: World, recipient: str, number: int = -1) -> str:
    """The token of the alert that came last."""
    letter = received_mails(world, recipient)[number]
    assert "This was not me" in letter.text
    return letter.token


def reset(world: World, page: Answer, owner: str, password: str = NEW) -> Answer:
    """Choose a new password behind the link that goes to the account's address, and stands nowhere else."""
    assert page.status == 200, page.body
    assert re.findall(r"/links/([\w-]{43})", page.body) == []
    letter = received_mails(world, owner)[-1]
    assert letter.subject == "Choose a new password for Parley"
    return submit(world, letter.token, f"password={password.replace(' ', '+')}".encode())


def link_provider(who: Person, provider: AuthProviderType = AuthProviderType.GITHUB) -> None:
    subject = new_id().hex
    with transactions.personal(system(NOWHERE), id_of(who)) as session:
        session.add(AuthProvider(user_id=id_of(who), provider_type=provider, provider_id=subject))
        directory.enter_person(session, IdentityDirectory.PROVIDER_ACCOUNT, f"{provider.value} {subject.encode().hex()}", id_of(who))


def ways_in(who: Person) -> dict[str, Any]:
    with transactions.personal(system(NOWHERE), id_of(who)) as session:
        providers = [row.provider_type.value for row in session.scalars(select(AuthProvider))]
        names = transactions.lookup("SELECT kind FROM directory_entries WHERE user_id = %s ORDER BY kind", id_of(who))
        return {"providers": providers, "factor": session.scalar(select(UserTotp.id)) is not None, "names": [row[0] for row in names]}


def test_a_click_in_a_mailbox_gives_no_account_its_address(world: World) -> None:
    mallory, victim = enrolled(world)[0], address()
    token = token_for(mallory, victim)
    assert ProgramClient(world).post("/v1/auth/email/confirm", {"token": token}).status == 401
    clicked = submit(world, token)
    assert clicked.status == 403
    assert "password" in clicked.body
    assert directory.person_of(IdentityDirectory.EMAIL, victim) is None
    # Logged in to an account of their own, the victim confirms nothing for another one either.
    other = person(world)
    refused = other.post("/v1/auth/email/confirm", {"token": token})
    assert (refused.status, refused.body["code"]) == (403, "link_of_another_account")
    grace, link = register(world, victim)
    assert verify(ProgramClient(world), link).status == 200
    assert mallory.post("/v1/auth/email/confirm", {"token": token}).body["code"] == "email_taken"
    assert ProgramClient(world).post("/v1/auth/login", {"email": grace, "password": PASSWORD}).status == 200


def test_the_page_takes_the_password_or_a_code_and_ends_every_session(world: World) -> None:
    ada, new = person(world), address()
    token = token_for(ada, new)
    page = ProgramClient(world).get(f"/links/{token}")
    assert 'name="current_password"' in page.body and 'name="code"' in page.body
    wrong = submit(world, token, b"current_password=not+my+password+1")
    assert wrong.status == 403
    assert 'name="current_password"' in wrong.body
    assert submit(world, token, f"current_password={PASSWORD}".encode()).status == 200
    assert ada.get("/v1/identity/me").body["code"] == "session_ended"
    assert ProgramClient(world).post("/v1/auth/login", {"email": new, "password": PASSWORD}).status == 200
    ben, app, _ = enrolled(world)
    newer = address()
    token = token_for(ben, newer)
    assert submit(world, token, f"code={app.code()}".encode()).status == 200
    assert directory.person_of(IdentityDirectory.EMAIL, newer) == id_of(ben)


def test_the_old_address_takes_the_account_back(world: World, acme: Member) -> None:
    ada = person(world)
    link_provider(ada)
    owner = ada.email
    thief = address()
    token = token_for(ada, thief)  # with a stolen token and the password
    assert ada.post("/v1/auth/email/confirm", {"token": token}).status == 204
    join(acme, ada)
    alert = not_me(world, owner)
    # What the thief does next.
    begun = ada.post("/v1/auth/totp", {"password": PASSWORD}).body["secret"]
    assert ada.post("/v1/auth/totp/confirm", {"code": Authenticator(begun).code()}).status == 200
    link_provider(ada, AuthProviderType.GOOGLE)
    change = {"current_password": PASSWORD, "new_password": OTHER}
    assert ada.request("PUT", "/v1/auth/password", change).status == 204
    assert ada.post("/v1/auth/email", {"email": address(), "password": OTHER}).status == 202
    pending = received_mails(world, thief)  # and what the thief is told of it
    looked = ProgramClient(world).get(f"/links/{alert}")
    assert (looked.status, "another address" in looked.body) == (200, True)
    assert directory.person_of(IdentityDirectory.EMAIL, thief) == id_of(ada)  # looking changed nothing

    done = submit(world, alert)
    assert reset(world, done, owner).status == 200
    assert ProgramClient(world).get(f"/links/{alert}").status == 410
    assert ada.get("/v1/identity/me").body["code"] == "session_ended"
    assert ProgramClient(world).post("/v1/auth/login", {"email": thief, "password": OTHER}).status == 401
    assert ProgramClient(world).post("/v1/auth/login", {"email": owner, "password": NEW}).status == 200  # asks for no code
    assert ways_in(ada) == {"providers": ["GITHUB"], "factor": False, "names": ["email", "provider_account"]}
    for letter in pending:  # the thief's alerts open nothing any more
        if "/links/" in letter.text:
            assert ProgramClient(world).get(f"/links/{letter.token}").status == 410
    mail = received_mails(world, thief)[-1]
    assert "taken it back" in mail.text and "/links/" not in mail.text


def test_an_address_that_is_somebody_elses_by_now_stays_theirs(world: World) -> None:
    ada, new = person(world), address()
    owner = ada.email
    assert ada.post("/v1/auth/email/confirm", {"token": token_for(ada, new)}).status == 204
    alert = not_me(world, owner)
    _, link = register(world, owner)
    other = Person(world, email=owner)
    other.takes(verify(other, link))
    refused = submit(world, alert)
    assert refused.status == 409
    assert "delete that one" in refused.body
    assert ada.get("/v1/identity/me").status == 200  # all of it or nothing
    assert other.request("DELETE", "/v1/auth/account", {"password": PASSWORD}).status == 204
    assert reset(world, submit(world, alert), owner).status == 200
    assert directory.person_of(IdentityDirectory.EMAIL, owner) == id_of(ada)


def test_what_is_older_than_the_fault_stays(world: World) -> None:
    ada, app, _ = enrolled(world)
    link_provider(ada)
    change = {"current_password": PASSWORD, "new_password": OTHER}
    assert ada.request("PUT", "/v1/auth/password", change).status == 204
    link_provider(ada, AuthProviderType.APPLE)
    assert reset(world, submit(world, not_me(world, ada.email)), ada.email).status == 200
    assert ways_in(ada)["providers"] == ["GITHUB"]
    assert ada.log_in(OTHER).status == 401
    assert second(world, challenge_of(ada.log_in(NEW)), app.code()).status == 200


def test_keys_that_are_younger_than_the_fault_end_in_every_organization(world: World, acme: Member, globex: Member) -> None:
    ada = person(world)
    kept, ended = [], []
    for member in (acme, globex):
        join(member, ada, MemberRole.ADMIN)
        here = world.member(member.organization_id, id_of(ada), "ADMIN")
        kept.append(here.key("members:read"))
    change = {"current_password": PASSWORD, "new_password": OTHER}
    assert ada.request("PUT", "/v1/auth/password", change).status == 204
    alert = not_me(world, ada.email)
    for member in (acme, globex):
        here = world.member(member.organization_id, id_of(ada), "ADMIN")
        ended.append(here.key("members:read"))
    assert received_mails(world, ada.email)[-1].subject.startswith("A new API key")
    assert {key.get("/v1/identity/members").status for key in (*kept, *ended)} == {200}
    assert submit(world, alert).status == 200
    world.forget_callers()
    assert {key.get("/v1/identity/members").status for key in kept} == {200}
    assert {key.get("/v1/identity/members").status for key in ended} <= {401, 403}


def test_each_change_of_a_way_in_is_told_with_a_link(world: World) -> None:
    ada, _, _ = enrolled(world)
    assert ada.post("/v1/auth/recovery-codes", {"password": PASSWORD}).status == 200
    assert ada.request("DELETE", "/v1/auth/totp", {"password": PASSWORD}).status == 204
    mails = received_mails(world, ada.email)[-3:]
    assert [letter.subject for letter in mails] == [
        "Your second factor for Parley is on",
        "Your recovery codes for Parley are new",
        "Your second factor for Parley is off",
    ]
    tokens = [letter.token for letter in mails]
    assert len(set(tokens)) == 3
    # The first of them undoes what came with it and after it, and voids the others.
    assert reset(world, submit(world, tokens[0]), ada.email).status == 200
    assert [ProgramClient(world).get(f"/links/{token}").status for token in tokens] == [410] * 3


def test_recovery_codes_of_somebody_else_open_nothing(world: World) -> None:
    ada, _, _ = enrolled(world)
    renewed = ada.post("/v1/auth/recovery-codes", {"password": PASSWORD}).body["recovery_codes"]
    assert reset(world, submit(world, not_me(world, ada.email)), ada.email).status == 200
    assert second(world, challenge_of(ada.log_in(NEW)), renewed[0]).body["code"] == "invalid_code"


def test_an_alert_ends_after_a_week(world: World) -> None:
    ada = person(world)
    change = {"current_password": PASSWORD, "new_password": OTHER}
    assert ada.request("PUT", "/v1/auth/password", change).status == 204
    alert = not_me(world, ada.email)
    week = timedelta(days=7, minutes=1)
    with transactions.personal(system(NOWHERE), id_of(ada)) as session:
        session.execute(update(VerificationToken).values(expires_at=VerificationToken.expires_at - week))
    assert submit(world, alert).status == 410
    assert ada.log_in(OTHER).status == 200


def test_another_site_can_not_undo_anything(world: World) -> None:
    ada = person(world)
    assert ada.request("PUT", "/v1/auth/password", {"current_password": PASSWORD, "new_password": OTHER}).status == 204
    alert = not_me(world, ada.email)
    cross = FORM | {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    assert submit(world, alert, headers=cross).status == 403
    assert ada.get("/v1/identity/me").status == 200


def foreign_address(world: World) -> tuple[Person, Authenticator, str]:
    """An account with a second factor and a provider, whose address came to it later."""
    mallory, app, _ = enrolled(world)
    link_provider(mallory)
    victim = address()
    assert mallory.post("/v1/auth/email/confirm", {"token": token_for(mallory, victim)}).status == 204
    return mallory, app, victim


def test_nobody_is_locked_out_of_their_address_by_an_older_authenticator(world: World) -> None:
    mallory, _, victim = foreign_address(world)
    assert ProgramClient(world).post("/v1/auth/password-reset", {"email": victim}).status == 202
    token = received_mails(world, victim)[-1].token
    page = ProgramClient(world).get(f"/links/{token}")
    assert "second factor, github" in page.body and 'name="drop_older_ways_in"' in page.body
    wanted = {"token": token, "password": NEW, "drop_older_ways_in": True}
    assert ProgramClient(world).post("/v1/auth/password-reset/redeem", wanted).status == 204
    assert ProgramClient(world).post("/v1/auth/login", {"email": victim, "password": NEW}).status == 200
    assert ways_in(mallory) == {"providers": [], "factor": False, "names": ["email"]}
    assert "second factor, github" in received_mails(world, victim)[-1].text


def test_a_reset_leaves_a_second_factor_that_is_not_older(world: World) -> None:
    """Whoever reads the mail of somebody does not thereby take their second factor off."""
    mallory, _, victim = foreign_address(world)
    with transactions.personal(system(NOWHERE), id_of(mallory)) as session:
        session.execute(update(User).values(email_verified_at=now() - timedelta(days=31)))
        session.execute(update(UserTotp).values(confirmed_at=now() - timedelta(days=90)))
    for email in (victim, enrolled(world)[0].email):
        assert ProgramClient(world).post("/v1/auth/password-reset", {"email": email}).status == 202
        token = received_mails(world, email)[-1].token
        assert "drop_older_ways_in" not in ProgramClient(world).get(f"/links/{token}").body
        wanted = {"token": token, "password": NEW, "drop_older_ways_in": True}
        assert ProgramClient(world).post("/v1/auth/password-reset/redeem", wanted).status == 204
        answer = ProgramClient(world).post("/v1/auth/login", {"email": email, "password": NEW})
        assert answer.body["code"] == "second_factor_required"


def test_what_was_changed_a_moment_before_the_address_is_told_to_the_old_one(world: World) -> None:
    """A thief who moves the account before the mail about their authenticator has left does not get that mail."""
    ada, evil = person(world), address()
    token = token_for(ada, evil)
    before = len(received_mails(world, ada.email))
    begun = ada.post("/v1/auth/totp", {"password": PASSWORD})
    assert ada.post("/v1/auth/totp/confirm", {"code": Authenticator(begun.body["secret"]).code()}).status == 200
    assert ada.post("/v1/auth/email/confirm", {"token": token}).status == 204
    assert [letter.subject for letter in received_mails(world, evil) if "This was not me" in letter.text] == []
    mails = received_mails(world, ada.email)[before:]
    assert len(mails) == 2, [letter.subject for letter in mails]
    for letter in reversed(mails):  # the youngest first, as people do
        submit(world, letter.token)
    assert (ways_in(ada)["factor"], ada.post("/v1/auth/login", {}).status) == (False, 422)


def test_a_key_that_is_regenerated_is_told_of_and_ends_with_the_fault(world: World) -> None:
    ada = world.person()
    owner = founded(ada)
    world.give_plan(owner.organization_id, "BUSINESS")
    key = owner.key("members:read")
    before = len(received_mails(world, ada.email))
    made = owner.post(f"/v1/identity/api-keys/{key.id}/regenerate")
    assert made.status == 201, made.raw
    [letter] = received_mails(world, ada.email)[before:]
    assert "API key" in letter.subject
    submit(world, letter.token)
    assert ProgramClient(world, made.body["key"]).get("/v1/identity/members").body["code"] == "unknown_key"
