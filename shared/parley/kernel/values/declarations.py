"""What a domain declares in its `declared` module: words that others read, each of a type of its own, so that no two are confused.

They are strings, in rows and on the bus as well; a `declared` module imports nothing but these types, since the authorizer reads it.
Who needs those of all domains gathers them (`parley.domains`).
"""


class AuditAction(str):
    """What the audit trail says that happened, dotted and in the past tense: `booking.created`."""

    __slots__ = ()


class EventName(str):
    """What is announced in the outbox or sent through a queue: `scheduling.booking_created`, the domain first."""

    __slots__ = ()


class DirectoryKind(str):
    """What sort of outside name the directory leads to a tenant or a person."""

    __slots__ = ()
