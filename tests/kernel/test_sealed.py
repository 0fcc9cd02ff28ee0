"""Sealed columns open in their own place and nowhere else."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from parley.identity.models import UserTotp
from parley.kernel.persistence import column_encryption, transactions
from parley.kernel.persistence.column_encryption import DecryptionFailed, NamedColumn, OrganizationKey, Sealed, seal, unseal
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.webhooks.models import WebhookSubscription
from tests.harness import Member

SECRET = NamedColumn("secret")


@dataclass
class Row:
    """A place for a secret; what a model is to `seal`."""

    organization_id: UUID
    id: UUID
    secret: Any = None
    __tablename__ = "places"


def test_a_secret_opens_where_it_was_sealed(acme: Member) -> None:
    row = Row(acme.organization_id, new_id())
    with transactions.transaction(acme.caller) as session:
        seal(session, row, SECRET, "EAAG… ünï")
        assert unseal(session, row, SECRET) == "EAAG… ünï"
    assert b"EAAG" not in row.secret.token
    assert repr(row.secret) == "Sealed(***)" and "EAAG" not in str(row.secret)


def test_a_ciphertext_copied_elsewhere_or_changed_does_not_open(acme: Member, globex: Member) -> None:
    row, other = Row(acme.organization_id, new_id()), Row(acme.organization_id, new_id())
    with transactions.transaction(acme.caller) as session:
        seal(session, row, SECRET, "token")
        other.secret = row.secret
        with pytest.raises(DecryptionFailed):
            unseal(session, other, SECRET)
        flipped = Row(row.organization_id, row.id, Sealed(row.secret.token[:-1] + bytes([row.secret.token[-1] ^ 1])))
        with pytest.raises(DecryptionFailed):
            unseal(session, flipped, SECRET)
        with pytest.raises(DecryptionFailed):
            unseal(session, Row(row.organization_id, row.id, Sealed(b"\x01short")), SECRET)
    column_encryption._opened.clear()  # as in another environment
    with transactions.transaction(globex.caller) as session, pytest.raises(DecryptionFailed):
        unseal(session, Row(globex.organization_id, row.id, row.secret), SECRET)


def test_a_column_of_another_table_is_no_place(acme: Member) -> None:
    with (
        transactions.transaction(acme.caller) as session,
        pytest.raises(TypeError, match=r"WebhookSubscription\.secret is no column of UserTotp"),
    ):
        seal(session, UserTotp(user_id=acme.user_id), WebhookSubscription.secret, "token")


def test_destroying_an_organizations_keys_destroys_its_secrets(acme: Member) -> None:
    row = Row(acme.organization_id, new_id())
    with transactions.transaction(acme.caller) as session:
        seal(session, row, SECRET, "token")
    with transactions.transaction(acme.caller) as session:
        session.execute(delete(OrganizationKey))
    column_encryption._opened.clear()
    with transactions.transaction(acme.caller) as session, pytest.raises(DecryptionFailed):
        unseal(session, row, SECRET)


def test_one_data_key_serves_an_organization_and_a_rolled_back_one_is_not_remembered(acme: Member) -> None:
    row = Row(acme.organization_id, new_id())
    with pytest.raises(RuntimeError), transactions.transaction(acme.caller) as session:
        seal(session, row, SECRET, "lost")
        seal(session, row, SECRET, "lost too")
        raise RuntimeError
    rows = [Row(acme.organization_id, new_id()) for _ in range(3)]
    for each in rows:
        with transactions.transaction(acme.caller) as session:
            seal(session, each, SECRET, str(each.id))
    column_encryption._opened.clear()
    assert len(acme.rows(select(OrganizationKey.id))) == 1
    with transactions.transaction(acme.caller) as session:
        assert [unseal(session, each, SECRET) for each in rows] == [str(each.id) for each in rows]


def test_first_secrets_sealed_at_once_share_one_key(acme: Member) -> None:
    rows = [Row(acme.organization_id, new_id()) for _ in range(4)]
    gate = threading.Barrier(len(rows), timeout=10)

    def seal_row(row: Row) -> None:
        with transactions.transaction(acme.caller) as session:
            gate.wait()
            seal(session, row, SECRET, str(row.id))

    with ThreadPoolExecutor(len(rows)) as pool:
        list(pool.map(seal_row, rows))
    column_encryption._opened.clear()
    assert len(acme.rows(select(OrganizationKey.id))) == 1
    with transactions.transaction(acme.caller) as session:
        assert [unseal(session, each, SECRET) for each in rows] == [str(each.id) for each in rows]


def test_a_retired_key_opens_and_seals_no_more(acme: Member) -> None:
    old, new = Row(acme.organization_id, new_id()), Row(acme.organization_id, new_id())
    for _ in range(2):
        with transactions.transaction(acme.caller) as session:
            seal(session, old, SECRET, "old")
    with transactions.transaction(acme.caller) as session:
        session.execute(update(OrganizationKey).values(retired_at=now()))
    with transactions.transaction(acme.caller) as session:
        seal(session, new, SECRET, "new")
    assert old.secret.token[1:17] != new.secret.token[1:17]
    column_encryption._opened.clear()
    with transactions.transaction(acme.caller) as session:
        assert (unseal(session, old, SECRET), unseal(session, new, SECRET)) == ("old", "new")


def test_a_wrapped_key_of_another_organization_or_changed_does_not_open(acme: Member, globex: Member) -> None:
    row = Row(acme.organization_id, new_id())
    with transactions.transaction(acme.caller) as session:
        seal(session, row, SECRET, "token")
    (key,) = acme.rows(select(OrganizationKey))
    with transactions.transaction(globex.caller) as session:
        session.add(OrganizationKey(id=key.id, wrapped=key.wrapped))
    with transactions.transaction(acme.caller) as session:
        session.execute(update(OrganizationKey).values(wrapped=b"not what KMS has wrapped"))
    column_encryption._opened.clear()
    for member in (acme, globex):
        with transactions.transaction(member.caller) as session, pytest.raises(DecryptionFailed):
            unseal(session, Row(member.organization_id, row.id, row.secret), SECRET)
