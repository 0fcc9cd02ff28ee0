"""Register, verify, log in: by password and by a link, as anybody does."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select, text, update

from parley.identity.accounts import passwords
from parley.identity.declared import IdentityDirectory
from parley.identity.models import User, VerificationToken
from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import directory, transactions
from parley.notifications.limits import quotas
from parley.notifications.limits.quotas import MailKind
from tests.harness import Client, World
from tests.identity.registered_users import PASSWORD, Person, ProgramClient, address, person, received_mails, register, verify


def audited(user_id: str) -> list[str]:
    with transactions.transaction(system(NOWHERE)) as session:
        return list(session.scalars(select(AuditLog.action).where(AuditLog.actor_id == user_id).order_by(AuditLog.created_at, AuditLog.id)))


def test_registering_makes_an_account_when_the_link_is_opened(world: World) -> None:
    recipient, token = register(world)
    assert directory.person_of(IdentityDirectory.EMAIL, recipient) is None
    assert ProgramClient(world).post("/v1/auth/login", {"email": recipient, "password": PASSWORD}).status == 401
    answer = verify(ProgramClient(world), token)
    assert answer.status == 200
    assert (answer.body["user"]["email"], answer.body["organization"], answer.body["expires_in"]) == (recipient, None, 900)
    me = Client(world, answer.body["access_token"]).get("/v1/identity/me").body
    assert (me["name"], me["email"], me["role"], me["organization"], me["scopes"]) == ("Grace Hopper", recipient, None, None, [])
    assert audited(answer.body["user"]["id"]) == ["user.registered", "user.login_succeeded"]
    again = verify(ProgramClient(world), token)
    assert (again.status, again.body["code"]) == (410, "link_not_valid")


def test_a_known_address_is_answered_alike_and_told_by_mail(world: World) -> None:
    ada = person(world)
    body = {"password": PASSWORD, "name": "Mallory"}
    response = ProgramClient(world).post("/v1/auth/register", body | {"email": ada.email.upper()})
    unknown = ProgramClient(world).post("/v1/auth/register", body | {"email": address()})
    assert (response.status, response.raw) == (unknown.status, unknown.raw) == (202, unknown.raw)
    mail = received_mails(world, ada.email)[-1]
    assert mail.subject == "You have an account at Parley"
    assert "/links/" not in mail.text
    assert ada.log_in().status == 200


def test_twenty_redemptions_at_once_make_one_account(world: World) -> None:
    recipient, token = register(world)
    browsers = [ProgramClient(world) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda browser: verify(browser, token), browsers))
    assert Counter(answer.status for answer in answers) == {200: 1, 410: 19}
    (made,) = transactions.lookup("SELECT count(*) FROM directory_entries WHERE key = %s", directory.personal(recipient))
    assert made[0] == 1


def test_of_two_registrations_of_one_address_the_later_link_is_good(world: World) -> None:
    recipient, first = register(world)
    _, second = register(world, recipient.upper())
    early = verify(ProgramClient(world), first)
    assert (early.status, early.body["code"]) == (410, "link_not_valid")
    assert verify(ProgramClient(world), second).status == 200
    assert verify(ProgramClient(world), second).status == 410


def test_two_links_of_one_address_make_one_account(world: World) -> None:
    recipient, first = register(world)
    with transactions.sweep() as session:
        other = session.scalars(select(VerificationToken).where(VerificationToken.email == recipient)).one()
        until = other.expires_at
    _, second = register(world, recipient)
    with transactions.sweep() as session:  # as if the second mail had come a moment later
        session.execute(update(VerificationToken).where(VerificationToken.email == recipient).values(expires_at=until))
    assert verify(ProgramClient(world), second).status == 200
    late = verify(ProgramClient(world), first)
    assert (late.status, late.body["code"]) == (409, "email_taken")


def test_who_opens_the_link_decides_the_password(world: World) -> None:
    recipient, stranger = address(), "chosen by who registered 1"
    assert ProgramClient(world).post("/v1/auth/register", {"email": recipient, "password": stranger, "name": "Mallory"}).status == 202
    token = received_mails(world, recipient)[-1].token
    unsaid = ProgramClient(world).post("/v1/auth/verify-email", {"token": token})
    assert unsaid.status == 422  # not without a password of who has the link
    assert verify(ProgramClient(world), token, "short").body["code"] == "password_not_accepted"
    made = verify(ProgramClient(world), token, name="Grace")
    assert (made.status, made.body["user"]["name"]) == (200, "Grace")
    statuses = [
        ProgramClient(world).post("/v1/auth/login", {"email": recipient, "password": password}).status for password in (stranger, PASSWORD)
    ]
    assert statuses == [401, 200]


def test_nothing_that_opens_an_account_lies_with_a_link(world: World) -> None:
    """Whoever asks for a link is not who opens it."""
    ada = person(world)
    assert ProgramClient(world).post("/v1/auth/register", {"email": address(), "password": PASSWORD, "name": "Mallory"}).status == 202
    for path in ("/v1/auth/magic-link", "/v1/auth/password-reset"):
        assert ProgramClient(world).post(path, {"email": ada.email}).status == 202
    assert ada.post("/v1/auth/email", {"email": address(), "password": PASSWORD}).status == 202
    with transactions.sweep() as session:
        rows = session.scalars(select(VerificationToken).where(VerificationToken.used_at.is_(None), VerificationToken.wanted.is_not(None)))
        lying = {(row.kind.value, name) for row in rows for name in row.wanted or {}}
    # What a log-in has proved so far lies with the challenge that only who logs in has; what an alert tells of, its person's requests did.
    lying = {(kind, name) for kind, name in lying if kind not in ("SECOND_FACTOR", "SECURITY_ALERT")}
    assert lying == {("REGISTRATION", "name")}


def test_no_more_than_a_few_mails_at_once_for_one_address_and_the_same_answer(world: World) -> None:
    recipient = address()
    answers = [ProgramClient(world).post("/v1/auth/magic-link", {"email": recipient}) for _ in range(7)]
    assert {(answer.status, answer.raw) for answer in answers} == {(202, answers[0].raw)}
    with transactions.sweep() as session:
        count = session.scalar(select(text("count(*)")).select_from(VerificationToken).where(VerificationToken.email == recipient))
    assert count == quotas.A_DAY[MailKind.MAGIC_LINK]


def test_short_common_and_personal_passwords_are_refused(world: World) -> None:
    recipient = address()
    common = ("password1234", "P@ssw0rd2026!", "mypassword123", "password!@#$", "ｐａｓｓｗｏｒｄ１２３４")
    rows = ("qwertyuiop123", "a1b2c3d4e5f6", "abcabcabcabcabc")
    for bad in ("short", *common, *rows, "parleyparley1", "x" * 1025):
        answer = ProgramClient(world).post("/v1/auth/register", {"email": recipient, "password": bad})
        assert answer.status == 422, bad
        assert bad not in str(answer.body) or bad == "short"
    response = ProgramClient(world).post("/v1/auth/register", {"email": "grace.hopper@navy.example", "password": "Grace.Hopper1906"})
    assert (response.status, response.body["code"]) == (422, "password_not_accepted")
    with transactions.sweep() as session:
        assert session.scalars(select(VerificationToken).where(VerificationToken.email == recipient)).all() == []


def test_passwords_in_either_form_of_unicode_are_the_same() -> None:
    kept = passwords.hashed("Zwölf große Boxkämpfer\u00a0jagen")
    assert passwords.matches(kept, "Zwo\u0308lf gro\u00dfe Boxka\u0308mpfer jagen")
    assert not passwords.matches(kept, "zwölf große Boxkämpfer jagen")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not passwords.is_outdated(passwords.NOBODYS)


def test_a_password_kept_with_lower_parameters_is_kept_anew(world: World) -> None:
    import argon2

    ada = person(world)
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    user_id = ada.tokens["user"]["id"]
    with transactions.personal(system(NOWHERE), user_id) as session:
        session.execute(update(User).where(User.id == user_id).values(password_hash=weak))
    assert ada.log_in().status == 200
    with transactions.personal(system(NOWHERE), user_id) as session:
        kept = session.scalar(select(User.password_hash).where(User.id == user_id))
    assert kept is not None
    assert "m=19456,t=2,p=1" in kept
    assert ada.log_in().status == 200


def test_a_magic_link_logs_in_once(world: World) -> None:
    ada = person(world)
    assert ProgramClient(world).post("/v1/auth/magic-link", {"email": ada.email.title()}).status == 202
    letter = received_mails(world, ada.email)[-1]
    answers = [ProgramClient(world).post("/v1/auth/magic-link/redeem", {"token": letter.token}) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 410]
    assert answers[0].body["user"]["email"] == ada.email


def test_a_link_of_one_kind_opens_nothing_of_another(world: World) -> None:
    ada = person(world)
    ProgramClient(world).post("/v1/auth/magic-link", {"email": ada.email})
    token = received_mails(world, ada.email)[-1].token
    assert verify(ProgramClient(world), token).status == 410
    wanted = {"token": token, "password": "another window, another harbour"}
    assert ProgramClient(world).post("/v1/auth/password-reset/redeem", wanted).status == 410
    assert ProgramClient(world).post("/v1/auth/magic-link/redeem", {"token": token}).status == 200


def test_an_expired_link_is_no_link(world: World) -> None:
    recipient, token = register(world)
    with transactions.sweep() as session:
        session.execute(text("UPDATE verification_tokens SET expires_at = now() - interval '1 s' WHERE email = :e"), {"e": recipient})
    assert verify(ProgramClient(world), token).status == 410


def test_links_to_addresses_without_an_account_are_not_sent(world: World) -> None:
    recipient = address()
    for path in ("/v1/auth/magic-link", "/v1/auth/password-reset"):
        assert ProgramClient(world).post(path, {"email": recipient}).status == 202
    assert received_mails(world, recipient) == []


def test_a_new_password_ends_all_sessions_and_other_links(world: World) -> None:
    ada = person(world)
    other = Person(world, email=ada.email)
    other.takes(ada.log_in())
    ProgramClient(world).post("/v1/auth/magic-link", {"email": ada.email})
    magic = received_mails(world, ada.email)[-1].token
    ProgramClient(world).post("/v1/auth/password-reset", {"email": ada.email})
    token = received_mails(world, ada.email)[-1].token
    new = "a lamp without a shelf 12"
    wanted = {"token": token, "password": new}
    assert ProgramClient(world).post("/v1/auth/password-reset/redeem", wanted | {"password": "password1234"}).status == 422
    assert ProgramClient(world).post("/v1/auth/password-reset/redeem", wanted).status == 204
    assert ProgramClient(world).post("/v1/auth/password-reset/redeem", wanted).status == 410
    assert {account.get("/v1/identity/me").body["code"] for account in (ada, other)} == {"session_ended"}
    refused = ProgramClient(world).post("/v1/auth/refresh", {"refresh_token": ada.refresh_token})
    assert (refused.status, refused.body["code"]) == (401, "session_ended")
    assert ProgramClient(world).post("/v1/auth/magic-link/redeem", {"token": magic}).status == 410
    assert ada.log_in().status == 401
    assert ada.log_in(new).status == 200
    assert received_mails(world, ada.email)[-1].subject == "Your password for Parley was changed"


def test_the_links_of_mails_are_ours_and_hold_no_id(world: World) -> None:
    recipient, token = register(world)
    letter = received_mails(world, recipient)[-1]
    assert f"{os.environ['PUBLIC_URL']}/links/{token}" in letter.html
    assert len(token) == 43
