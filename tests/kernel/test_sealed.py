"""Sealed columns open in their own place and nowhere else."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from parley.kernel import db, sealed
from parley.kernel.clock import now
from parley.kernel.ids import new_id
from parley.kernel.sealed import DoesNotOpen, OrganizationKey, Sealed, seal, unseal
from tests.harness import Member


@dataclass
class Row:
    """A place for a secret; what a model is to `seal`."""

    organization_id: UUID
    id: UUID
    secret: Any = None
    __tablename__ = "places"


def test_a_secret_opens_where_it_was_sealed(acme: Member) -> None:
    row = Row(acme.organization_id, new_id())
    with db.transaction(acme.caller) as session:
        seal(session, row, "secret", "EAAG… ünï")
        assert unseal(session, row, "secret") == "EAAG… ünï"
    assert b"EAAG" not in row.secret.token
    assert repr(row.secret) == "Sealed(***)" and "EAAG" not in str(row.secret)


def test_a_ciphertext_copied_elsewhere_or_changed_does_not_open(acme: Member, globex: Member) -> None:
    row, other = Row(acme.organization_id, new_id()), Row(acme.organization_id, new_id())
    with db.transaction(acme.caller) as session:
        seal(session, row, "secret", "token")
        other.secret = row.secret
        with pytest.raises(DoesNotOpen):
            unseal(session, other, "secret")
        flipped = Row(row.organization_id, row.id, Sealed(row.secret.token[:-1] + bytes([row.secret.token[-1] ^ 1])))
        with pytest.raises(DoesNotOpen):
            unseal(session, flipped, "secret")
        with pytest.raises(DoesNotOpen):
            unseal(session, Row(row.organization_id, row.id, Sealed(b"\x01short")), "secret")
    sealed._opened.clear()  # as in another environment
    with db.transaction(globex.caller) as session, pytest.raises(DoesNotOpen):
        unseal(session, Row(globex.organization_id, row.id, row.secret), "secret")


def test_destroying_an_organizations_keys_destroys_its_secrets(acme: Member) -> None:
    row = Row(acme.organization_id, new_id())
    with db.transaction(acme.caller) as session:
        seal(session, row, "secret", "token")
    with db.transaction(acme.caller) as session:
        session.execute(delete(OrganizationKey))
    sealed._opened.clear()
    with db.transaction(acme.caller) as session, pytest.raises(DoesNotOpen):
        unseal(session, row, "secret")


def test_one_data_key_serves_an_organization_and_a_rolled_back_one_is_not_remembered(acme: Member) -> None:
    row = Row(acme.organization_id, new_id())
    with pytest.raises(RuntimeError), db.transaction(acme.caller) as session:
        seal(session, row, "secret", "lost")
        seal(session, row, "secret", "lost too")
        raise RuntimeError
    rows = [Row(acme.organization_id, new_id()) for _ in range(3)]
    for each in rows:
        with db.transaction(acme.caller) as session:
            seal(session, each, "secret", str(each.id))
    sealed._opened.clear()
    assert len(acme.rows(select(OrganizationKey.id))) == 1
    with db.transaction(acme.caller) as session:
        assert [unseal(session, each, "secret") for each in rows] == [str(each.id) for each in rows]


def test_first_secrets_sealed_at_once_share_one_key(acme: Member) -> None:
    rows = [Row(acme.organization_id, new_id()) for _ in range(4)]
    gate = threading.Barrier(len(rows), timeout=10)

    def one(row: Row) -> None:
        with db.transaction(acme.caller) as session:
            gate.wait()
            seal(session, row, "secret", str(row.id))

    with ThreadPoolExecutor(len(rows)) as pool:
        list(pool.map(one, rows))
    sealed._opened.clear()
    assert len(acme.rows(select(OrganizationKey.id))) == 1
    with db.transaction(acme.caller) as session:
        assert [unseal(session, each, "secret") for each in rows] == [str(each.id) for each in rows]


def test_a_retired_key_opens_and_seals_no_more(acme: Member) -> None:
    old, new = Row(acme.organization_id, new_id()), Row(acme.organization_id, new_id())
    for _ in range(2):
        with db.transaction(acme.caller) as session:
            seal(session, old, "secret", "old")
    with db.transaction(acme.caller) as session:
        session.execute(update(OrganizationKey).values(retired_at=now()))
    with db.transaction(acme.caller) as session:
        seal(session, new, "secret", "new")
    assert old.secret.token[1:17] != new.secret.token[1:17]
    sealed._opened.clear()
    with db.transaction(acme.caller) as session:
        assert (unseal(session, old, "secret"), unseal(session, new, "secret")) == ("old", "new")


def test_a_wrapped_key_of_another_organization_or_changed_does_not_open(acme: Member, globex: Member) -> None:
    row = Row(acme.organization_id, new_id())
    with db.transaction(acme.caller) as session:
        seal(session, row, "secret", "token")
    (key,) = acme.rows(select(OrganizationKey))
    with db.transaction(globex.caller) as session:
        session.add(OrganizationKey(id=key.id, wrapped=key.wrapped))
    with db.transaction(acme.caller) as session:
        session.execute(update(OrganizationKey).values(wrapped=b"not what KMS has wrapped"))
    sealed._opened.clear()
    for member in (acme, globex):
        with db.transaction(member.caller) as session, pytest.raises(DoesNotOpen):
            unseal(session, Row(member.organization_id, row.id, row.secret), "secret")
