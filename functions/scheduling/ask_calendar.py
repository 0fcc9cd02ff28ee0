"""Called by other functions, one question at a time: asks a calendar's provider.

It lies in no network and knows no database: what strangers write in XML and iCalendar is read here, and only here.
"""

from typing import Any

from parley.calendar_providers.adapter_dispatch import answer
from parley.calendar_providers.provider_protocol import ProviderRequest


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return answer(ProviderRequest.model_validate(event)).model_dump(mode="json")
