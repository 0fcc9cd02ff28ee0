"""What the routes that erase invitees take and answer."""

from datetime import datetime
from uuid import UUID

from parley.kernel.values.fields import Email, RequestModel, ResponseModel


class AddressErasure(RequestModel):
    """Everybody who was booked in under this address, in letters of either case."""

    email: Email


class InviteeErasedRead(ResponseModel):
    id: UUID
    erased_at: datetime


class ErasureRead(ResponseModel):
    """How many invitees were erased now, and how many more will be within minutes."""

    erased: int
    waiting: int
