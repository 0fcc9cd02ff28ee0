"""What is kept of rate limits (`access.rate_limits`), and counting as part of a transaction. `transactions.spend` counts by itself."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Mapped, Session, mapped_column

from parley.kernel.access.rate_limits import Spending, raise_if_exceeded, spending_query
from parley.kernel.persistence.base_models import Base


class RateLimitBucket(Base):
    """One subject of one limit, while its bucket is not full: an absent row is a full bucket. `subject` is a hash."""

    __tablename__ = "rate_limit_buckets"
    global_because = "It is counted before anybody is known, and holds no more than a hash and an instant."

    subject: Mapped[str] = mapped_column(primary_key=True)
    full_at: Mapped[datetime] = mapped_column(index=True)


def spend_within(session: Session, *spending: Spending) -> None:
    """Count as part of a transaction: what is rolled back was not counted, and who wants the same subject waits for its end.

    Raises `RateLimitExceeded`.
    """
    refused = session.connection().exec_driver_sql(spending_query(spending))
    raise_if_exceeded(spending, [(int(position), float(wait)) for position, wait in refused])


def forget(session: Session) -> int:
    """Delete the buckets that are full, in a sweep. Returns how many."""
    full = text("DELETE FROM rate_limit_buckets WHERE full_at < clock_timestamp()")
    return int(session.connection().execute(full).rowcount)
