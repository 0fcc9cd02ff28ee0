"""Called by other functions, one question at a time: asks a calendar's provider.

It lies in no network and knows no database: what strangers write in XML and iCalendar is read here, and only here.
"""

from typing import Any

from parley.calendars.answering import answer
from parley.calendars.protocol import Request


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return answer(Request.model_validate(event)).model_dump(mode="json")
