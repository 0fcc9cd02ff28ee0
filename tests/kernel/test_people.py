"""What belongs to a person is seen by that person, and what belongs to a tenant is not seen by way of a person."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from parley.identity.declared import IdentityAction, IdentityDirectory
from parley.identity.models import (
    Organization,
    OrganizationMember,
    RecoveryCode,
    User,
    UserTotp,
    VerificationKind,
    VerificationToken,
)
from parley.kernel.access.callers import NOWHERE, ActorType, Caller, system
from parley.kernel.audit import audit
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import directory, transactions
from parley.kernel.persistence.column_encryption import DecryptionFailed, UserKey, seal, unseal
from parley.kernel.values.clock import now
from parley.kernel.values.declarations import EventName
from parley.kernel.values.ids import new_id
from parley.kernel.values.secret_hashes import digest
from tests.harness import Member, World

VISITOR = Caller(NOWHERE, ActorType.VISITOR)


def join(member: Member, user_id: UUID) -> None:
    with transactions.transaction(member.caller) as session:
        session.add(OrganizationMember(user_id=user_id, role="MEMBER"))


def test_a_person_sees_their_own_rows_and_where_they_belong(acme: Member, globex: Member) -> None:
    join(globex, acme.user_id)
    with transactions.personal(VISITOR, acme.user_id) as session:
        session.add(RecoveryCode(user_id=acme.user_id, code_hash="x"))
        session.flush()
        assert session.scalars(select(User.id)).all() == [acme.user_id]
        assert set(session.scalars(select(OrganizationMember.organization_id))) == {acme.organization_id, globex.organization_id}
        assert set(session.scalars(select(Organization.name))) == {"Acme", "Globex"}
    with transactions.personal(VISITOR, globex.user_id) as session:
        assert session.scalars(select(RecoveryCode)).all() == []
    with transactions.transaction(acme.caller) as session:
        assert session.scalars(select(RecoveryCode)).all() == []
    assert transactions.lookup("SELECT count(*) FROM recovery_codes") == [(0,)]


def test_a_tenants_transaction_shows_no_membership_of_another_tenant(acme: Member, globex: Member) -> None:
    join(globex, acme.user_id)
    with transactions.transaction(acme.caller) as session:
        assert set(session.scalars(select(OrganizationMember.organization_id))) == {acme.organization_id}
    with transactions.transaction(acme.caller, person=acme.user_id) as session:
        assert set(session.scalars(select(OrganizationMember.organization_id))) == {acme.organization_id, globex.organization_id}


def test_a_person_changes_no_organization_and_nobody_elses_rows(acme: Member, globex: Member) -> None:
    with transactions.personal(VISITOR, acme.user_id) as session:
        assert session.execute(update(Organization).values(name="x")).rowcount == 0  # type: ignore[attr-defined]
        assert session.execute(delete(OrganizationMember)).rowcount == 0  # type: ignore[attr-defined]
        assert session.execute(update(User).values(name="Ada").where(User.id == globex.user_id)).rowcount == 0  # type: ignore[attr-defined]
    with pytest.raises(DBAPIError, match="row-level security"), transactions.personal(VISITOR, acme.user_id) as session:
        session.add(RecoveryCode(user_id=globex.user_id, code_hash="x"))


def test_the_person_of_one_transaction_does_not_leak_into_the_next(acme: Member) -> None:
    with transactions.personal(VISITOR, acme.user_id):
        pass
    with transactions.transaction(VISITOR) as session:
        assert session.scalars(select(User)).all() == []


def test_who_presents_a_secret_sees_its_row_alone(acme: Member) -> None:
    def token(secret: str) -> VerificationToken:
        kind, token_hash = VerificationKind.REGISTRATION, digest("verification", secret)
        return VerificationToken(kind=kind, email=f"{new_id()}@acme.test", token_hash=token_hash, expires_at=now())

    first, second = str(new_id()), str(new_id())
    with transactions.bearing(VISITOR, digest("verification", first)) as session:
        session.add_all([token(first), token(second)])
    with transactions.bearing(VISITOR, digest("verification", first)) as session:
        assert [row.token_hash for row in session.scalars(select(VerificationToken))] == [digest("verification", first)]
    assert transactions.lookup("SELECT count(*) FROM verification_tokens") == [(0,)]


def test_a_secret_digest_that_is_none_does_not_reach_the_database() -> None:
    with pytest.raises(ValueError), transactions.bearing(VISITOR, "x'; DROP TABLE users; --"):
        pass


def test_evidence_of_a_person_lies_with_the_organizations_they_belong_to(acme: Member, globex: Member) -> None:
    caller = Caller(NOWHERE, acme.caller.actor_type, acme.user_id)
    with transactions.personal(caller) as session:
        audit.record(session, caller.acting_for(acme.organization_id), IdentityAction.USER_LOGIN_FAILED)
        audit.record(session, caller, IdentityAction.USER_LOGIN_FAILED)
    assert "user.login_failed" in acme.rows(select(AuditLog.action))
    with pytest.raises(DBAPIError, match="row-level security"), transactions.personal(caller) as session:
        audit.record(session, caller.acting_for(globex.organization_id), IdentityAction.USER_LOGIN_FAILED)


def test_a_persons_secret_opens_for_that_person_until_their_keys_are_gone(acme: Member, globex: Member) -> None:
    row = UserTotp(user_id=acme.user_id)
    with transactions.personal(VISITOR, acme.user_id) as session:
        session.add(row)
        seal(session, row, UserTotp.secret, "JBSWY3DPEHPK3PXP")
    with transactions.personal(VISITOR, acme.user_id) as session:
        user_totp = session.scalars(select(UserTotp)).one()
        assert unseal(session, user_totp, UserTotp.secret) == "JBSWY3DPEHPK3PXP"
    with transactions.personal(VISITOR, globex.user_id) as session, pytest.raises(DecryptionFailed):
        unseal(session, UserTotp(id=row.id, user_id=globex.user_id, secret=row.secret), UserTotp.secret)
    with transactions.personal(VISITOR, acme.user_id) as session:
        session.execute(delete(UserKey))
    from parley.kernel.persistence import column_encryption

    column_encryption._opened.clear()  # as in another environment
    with transactions.personal(VISITOR, acme.user_id) as session, pytest.raises(DecryptionFailed):
        unseal(session, session.scalars(select(UserTotp)).one(), UserTotp.secret)


def test_the_directory_knows_an_address_in_either_case_and_shows_none(acme: Member, world: World) -> None:
    address = next(iter(acme.rows(select(User.email))))
    assert directory.person_of(IdentityDirectory.EMAIL, address.upper()) == acme.user_id
    assert directory.person_of(IdentityDirectory.EMAIL, f"x{address}") is None
    keys = [row[0] for row in transactions.lookup("SELECT key FROM directory_entries WHERE kind = 'email'")]
    assert keys and not [key for key in keys if "@" in key]


def test_nobodys_events_are_published_too(world: World, acme: Member) -> None:
    from parley.kernel.persistence.outbox import OutboxEvent, announce

    with transactions.personal(VISITOR, acme.user_id) as session:
        announce(session, EventName("identity.nothing_listens"), user_id=acme.user_id)
    with transactions.transaction(system(NOWHERE)) as session:
        assert "identity.nothing_listens" in session.scalars(select(OutboxEvent.name)).all()
    world.pump()
    with transactions.transaction(system(NOWHERE)) as session:
        assert session.scalars(select(OutboxEvent.name)).all() == []
