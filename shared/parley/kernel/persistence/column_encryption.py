"""Sealed columns: envelope encryption under a KMS key, bound to owner, table, column and row.

The owner is an organization, or for rows of a person's own (`global_because`, with a `user_id`) that user. An owner has a data key of its
own, wrapped by KMS with the owner as encryption context and kept in `organization_keys` or `user_keys`. A value is AES-256-GCM under that
key, its associated data the place where it belongs, so a ciphertext copied elsewhere does not open, and deleting an owner's keys makes its
secrets unreadable. Loading a row does no cryptography; opening is an explicit call.

Form: one byte version (1), 16 bytes key id, 12 bytes nonce, ciphertext with its tag.
"""

import base64
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, TypeDecorator, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from parley.kernel.persistence.base_models import Base, Tenant
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.kernel.values.settings import setting

_VERSION = b"\x01"
_KEPT_SECONDS = 300
_KEPT_KEYS = 200


class OrganizationKey(Tenant, Base):
    """A data key of an organization, wrapped by KMS. The one without `retired_at` seals; all of them open."""

    __tablename__ = "organization_keys"
    __table_args__ = (Index("uq_organization_keys_active", "organization_id", unique=True, postgresql_where="retired_at IS NULL"),)

    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now)
    retired_at: Mapped[datetime | None] = mapped_column(default=None)


class UserKey(Base):
    """A data key of a user, wrapped by KMS. The one without `retired_at` seals; all of them open."""

    __tablename__ = "user_keys"
    __table_args__ = (Index("uq_user_keys_active", "user_id", unique=True, postgresql_where="retired_at IS NULL"),)
    global_because = "It belongs to a user: its policy shows a person their own."

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now)
    retired_at: Mapped[datetime | None] = mapped_column(default=None)


class DecryptionFailed(Exception):
    """The sealed value was made for another place or key, or was changed."""


class Sealed:
    """A sealed value. It shows nothing of itself."""

    __slots__ = ("token",)

    def __init__(self, token: bytes) -> None:
        self.token = token

    def __repr__(self) -> str:
        return "Sealed(***)"


class SealedText(TypeDecorator[Sealed]):
    """A column of sealed text."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sealed | None, dialect: Any) -> bytes | None:
        if value is not None and not isinstance(value, Sealed):
            raise TypeError("A sealed column takes a Sealed value; make it with seal().")
        return value.token if value is not None else None

    def process_result_value(self, value: bytes | None, dialect: Any) -> Sealed | None:
        return Sealed(bytes(value)) if value is not None else None


@dataclass(frozen=True, slots=True)
class NamedColumn:
    """A place for a sealed value that is no column of a table: what it is bound to, by its name."""

    key: str


SealedColumn = InstrumentedAttribute[Sealed] | InstrumentedAttribute[Sealed | None] | NamedColumn
"""`UserTotp.secret`: the column itself and not its name, so that none is mistyped and none that is plain is meant."""


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose a row is: the name of the column that says so, which is the name in the encryption context too, and its value."""

    kind: str
    id: UUID

    @property
    def keys(self) -> type[OrganizationKey] | type[UserKey]:
        return OrganizationKey if self.kind == "organization_id" else UserKey

    @property
    def context(self) -> dict[str, str]:
        return {self.kind: str(self.id)}


# Opened data keys, by owner and key id: (until when, key). Keys of tenants, so with an end in time and number.
_opened: dict[tuple[_Owner, UUID], tuple[float, bytes]] = {}


def _owner(row: Any) -> _Owner:
    kind = "organization_id" if hasattr(row, "organization_id") else "user_id"
    return _Owner(kind, getattr(row, kind))


def _keep(owner: _Owner, key_id: UUID, key: bytes) -> bytes:
    while len(_opened) >= _KEPT_KEYS:
        _opened.pop(next(iter(_opened)))
    _opened[owner, key_id] = (time.monotonic() + _KEPT_SECONDS, key)
    return key


def _unwrapped(session: Session, owner: _Owner, key_id: UUID) -> bytes:
    until, key = _opened.get((owner, key_id), (0.0, b""))
    if until > time.monotonic():
        return key
    wrapped = session.scalar(select(owner.keys.wrapped).where(owner.keys.id == key_id))
    if wrapped is None:
        raise DecryptionFailed("The key of this value is gone.")
    from parley.kernel.aws import aws_requests

    request = {"CiphertextBlob": base64.b64encode(wrapped).decode(), "EncryptionContext": owner.context}
    try:
        answer = aws_requests.call("kms", "Decrypt", request)
    except aws_requests.CallFailed as error:
        if error.kind == "InvalidCiphertextException":
            raise DecryptionFailed("The key of this value was wrapped for another owner, or changed.") from error
        raise
    return _keep(owner, key_id, base64.b64decode(answer["Plaintext"]))


def _sealing_key(session: Session, owner: _Owner) -> tuple[UUID, bytes]:
    # Asked each time, never remembered: a key that was retired, deleted or rolled back meanwhile must not seal.
    keys = owner.keys
    active = select(keys.id).where(keys.retired_at.is_(None))
    with session.no_autoflush:
        key_id = session.scalar(active)
    if key_id is None:
        from parley.kernel.aws import aws_requests

        made = aws_requests.call(
            "kms", "GenerateDataKey", {"KeyId": setting("DATA_KEY_ID"), "KeySpec": "AES_256", "EncryptionContext": owner.context}
        )
        values = {owner.kind: owner.id, "id": new_id(), "wrapped": base64.b64decode(made["CiphertextBlob"]), "created_at": now()}
        session.execute(insert(keys).values(**values).on_conflict_do_nothing())
        key_id = session.scalars(active).one()
    return key_id, _unwrapped(session, owner, key_id)


def _place(row: Any, column: SealedColumn) -> bytes:
    if isinstance(column, InstrumentedAttribute) and not issubclass(type(row), cast("type[Any]", column.class_)):
        raise TypeError(f"{column} is no column of {type(row).__name__}.")
    return "|".join((str(_owner(row).id), row.__tablename__, column.key, str(row.id))).encode()


def seal(session: Session, row: Any, column: SealedColumn, secret: str) -> None:
    """Set the row's column to the sealed secret. The row must be in the session, so that its place is known."""
    seal_all(session, row, {column: secret})


def seal_all(session: Session, row: Any, secrets: Mapping[Any, str]) -> None:
    """The same for several columns of a row, in one look for the key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    places = {column: _place(row, column) for column in secrets}  # before a key is made
    key_id, key = _sealing_key(session, _owner(row))
    for column, secret in secrets.items():
        nonce = os.urandom(12)
        token = _VERSION + key_id.bytes + nonce + AESGCM(key).encrypt(nonce, secret.encode(), places[column])
        setattr(row, column.key, Sealed(token))


def unseal(session: Session, row: Any, column: SealedColumn) -> str:
    """The secret in the row's column. Raises `DecryptionFailed` when it was sealed for another place, or changed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    token = getattr(row, column.key).token
    if token[:1] != _VERSION or len(token) < 45:
        raise DecryptionFailed("This is not a sealed value of a known version.")
    key = _unwrapped(session, _owner(row), UUID(bytes=token[1:17]))
    try:
        return AESGCM(key).decrypt(token[17:29], token[29:], _place(row, column)).decode()
    except InvalidTag:
        raise DecryptionFailed("This value was sealed for another place, or changed.") from None
