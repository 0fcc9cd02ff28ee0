"""How far ahead something can be booked. Pure, and closed arithmetic: no day is gone through to get to another."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from parley.scheduling.availability.availability_rules import MINUTE, local_day, to_instant, wall_instant
from parley.scheduling.common.scheduling_fields import MOST_DAYS, USUAL_DAYS

_WORKING = 5


class Horizon(NamedTuple):
    """The last local date on which a start is offered: `days` after today, working days (Monday to Friday) or not, or `until` itself.

    Without a kind it is `USUAL_DAYS` after the day on which the notice ends, so that a long notice leaves something to book.
    """

    kind: str | None = None
    days: int | None = None
    until: date | None = None

    def last_day(self, today: int, noticed: int) -> int:
        """The ordinal of that date, at most `MOST_DAYS` after today. `today` and `noticed`, on which the notice ends, are ordinals."""
        if self.kind is None:
            last = noticed + USUAL_DAYS
        elif self.until is not None:
            last = self.until.toordinal()
        elif self.kind == "BUSINESS_DAYS":
            last = business_day(today, self.days or 0)
        else:
            last = today + (self.days or 0)
        return min(last, today + MOST_DAYS)

    def ends(self, timezone: str, now: datetime, min_notice: int) -> int:
        """The instant up to which starts are offered, itself not: the local midnight after the last date."""
        instant = to_instant(now)
        today, noticed = (local_day(timezone, moment) for moment in (instant, instant + min_notice * MINUTE))
        return wall_instant(timezone, self.last_day(today, noticed) + 1, 0)


def business_day(day: int, count: int) -> int:
    """The ordinal of the `count`-th working day after this one; of a weekend they are counted from its Friday on."""
    weekday = min((day - 1) % 7, _WORKING - 1)
    friday_at_most = day - max((day - 1) % 7 - weekday, 0)
    weeks, days = divmod(weekday + count, _WORKING)
    return friday_at_most - weekday + 7 * weeks + days


def latest_date(today: date) -> date:
    """The last date that a horizon may name."""
    return today + timedelta(days=MOST_DAYS)
