"""What a database's error means: for the answer, for the life of the connection, and for a repetition. One list, here and nowhere else.

pg8000 raises `IntegrityError` for 23505 alone, so the SQLSTATE decides. Source of the codes: PostgreSQL, Appendix A. Knows no SQLAlchemy.
"""

from dataclasses import dataclass

LOCK_NOT_AVAILABLE = "55P03"
READ_ONLY = "25006"


@dataclass(frozen=True, slots=True)
class Meaning:
    """`passes`: the same request may succeed a moment later, so it is answered 503 and repeated by queues and sweeps. `is_lost`: the
    connection is of no more use, whatever it still answers; whoever comes next needs another one."""

    passes: bool = False
    is_lost: bool = False


FAULT = Meaning()
"""The statement, its values or our code are at fault: the same will fail again, on any connection."""
BUSY = Meaning(passes=True)
"""The server is well and had no room, or no patience, for this transaction."""
AWAY = Meaning(passes=True, is_lost=True)
"""The server behind this connection goes, has gone, or is not the one that writes."""
SUSPECT = Meaning(is_lost=True)
"""A fault, and this backend may be part of it."""

# The longest prefix counts. What is not listed is a fault: 0… to 24, 27, 2F to 39 (but see 40), 3F, 42, 44, HV, P0; the caller of a
# statement may know a better name for it (`violation_means` for 23, 422 for 22).
MEANINGS: dict[str, Meaning] = {
    "08": AWAY,  # connection exceptions
    "25006": AWAY,  # read_only_sql_transaction: after a failover, on the server that wrote until then
    "25P03": AWAY,  # idle_in_transaction_session_timeout ends the session
    "25P04": AWAY,  # transaction_timeout does, too
    "26": AWAY,  # invalid_sql_statement_name: a pooler has put another server behind us between two messages
    "28": AWAY,  # the log-in is refused: a password or token of before its rotation
    "3D000": AWAY,  # the database is not there (yet): a cluster that is being restored
    "40": BUSY,  # serialization failures, deadlocks, conflicts with recovery
    "40003": AWAY,  # statement_completion_unknown
    "53": BUSY,  # insufficient resources: disk full, out of memory, too many connections
    "55006": BUSY,  # object_in_use
    "55P03": BUSY,  # lock_not_available
    "55P04": FAULT,  # unsafe_new_enum_value_usage
    "57": BUSY,  # operator intervention: 57014 is a statement that took too long
    "57P01": AWAY,  # admin_shutdown
    "57P02": AWAY,  # crash_shutdown
    "57P03": AWAY,  # cannot_connect_now
    "57P04": AWAY,  # database_dropped
    "57P05": AWAY,  # idle_session_timeout
    "58": AWAY,  # errors of the system under the server: input and output, files that are not there
    "72": BUSY,  # snapshot_too_old
    "F0": AWAY,  # the server's configuration is being written
    "XX": SUSPECT,  # internal errors, corrupted data or index
}
_ENDS_SESSION = frozenset({"FATAL", "PANIC"})


def fields(error: BaseException | None) -> dict[str, str]:
    """The fields of the server's error message, by their letters; empty when the error did not come from the server."""
    content = error.args[0] if error is not None and error.args else None
    return content if isinstance(content, dict) else {}


def meaning(error: BaseException | None) -> Meaning:
    """What a driver's error means. One without a SQLSTATE did not come from the server: it was not reached, or was lost on the way."""
    content = fields(error)
    code = content.get("C", "")
    if not code or content.get("V", "") in _ENDS_SESSION:
        return AWAY
    return next((MEANINGS[code[:length]] for length in (5, 2) if code[:length] in MEANINGS), FAULT)
