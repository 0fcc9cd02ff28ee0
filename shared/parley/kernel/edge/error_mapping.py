"""What an error that nobody named is answered with."""

import sys

from parley.kernel.edge.request_parsing import InvalidRequest
from parley.kernel.values.errors import Refusal, Unavailable


class Failed(Refusal):
    """A fault of ours."""

    status = 500


def refusal_of(error: BaseException) -> Refusal:
    """503 for what may pass, 422 for a value that a column does not take, 500 for the rest. Imports no database for it."""
    database = sys.modules.get("sqlalchemy.exc")
    if database is not None and isinstance(error, database.DBAPIError):
        from parley.kernel.postgres.integrity_errors import is_passing, sqlstate

        if is_passing(error):
            return Unavailable("The database does not answer right now; try again in a moment.")
        if sqlstate(error).startswith("22"):
            return InvalidRequest("A value does not fit into its column.")
    elif (
        isinstance(error, OSError)
        or type(error).__name__ == "CallFailed"
        or (database is not None and isinstance(error, database.TimeoutError | database.PendingRollbackError))
    ):
        return Unavailable("A service that this needs does not answer right now; try again in a moment.")
    return Failed("Something went wrong on our side; it has been noted.")
