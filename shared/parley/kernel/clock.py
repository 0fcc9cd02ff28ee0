"""The time, in one place."""

from datetime import UTC, datetime
from functools import partial

# A test puts another one here, and the whole product lives at another time.
_read = partial(datetime.now, UTC)


def now() -> datetime:
    """The current instant, in UTC."""
    return _read()
