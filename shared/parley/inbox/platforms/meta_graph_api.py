"""What is asked of Meta's Graph API. It is called where there is a network and no database (`functions/inbox/ask_platform.py`).

Source: Meta, "WhatsApp Business Phone Numbers" (GET /{phone-number-id}) and "Handle Errors" of the Graph API.
"""

import json
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from parley.kernel.outbound import http_client
from parley.kernel.outbound.http_client import RequestFailed
from parley.kernel.values.settings import setting

_INVALID_TOKEN = 190
"""Expired, taken back, or never given out."""
# Of a refusal that may pass: unknown, service, application and user limits, temporarily blocked, rate limits of WhatsApp.
_PASSING = frozenset({1, 2, 4, 17, 32, 368, 613, 80007, 130429})


class NumberConfirmation(StrEnum):
    """CONFIRMED: the platform shows this account to this token. EXPIRED: the token is none any more, or never was. REFUSED: it is one, and
    the account is not shown to it. UNAVAILABLE: nobody said.
    """

    CONFIRMED = "CONFIRMED"
    EXPIRED = "EXPIRED"
    REFUSED = "REFUSED"
    UNAVAILABLE = "UNAVAILABLE"


def confirm_number(phone_number_id: str, access_token: str, seconds: float) -> NumberConfirmation:
    """Whether a token reaches a WhatsApp number: only who the number's business has let in gets to see it."""
    url = f"{setting('WHATSAPP_API_URL').rstrip('/')}/{quote(phone_number_id, safe='')}?fields=id"
    headers = {"authorization": f"Bearer {access_token}", "accept": "application/json", "user-agent": "Parley-Inbox/1"}
    try:
        answer = http_client.request("GET", url, headers, seconds=seconds, most_bytes=64 * 1024)
    except RequestFailed:
        return NumberConfirmation.UNAVAILABLE
    shown = _object(answer.body)
    if answer.status == 200 and answer.is_complete:
        return NumberConfirmation.CONFIRMED if shown.get("id") == phone_number_id else NumberConfirmation.REFUSED
    error = shown.get("error")
    code, may_pass = (error.get("code"), error.get("is_transient")) if isinstance(error, dict) else (None, False)
    if 400 <= answer.status < 500 and answer.status not in (408, 425, 429) and not _passes(code) and may_pass is not True:
        return NumberConfirmation.EXPIRED if code == _INVALID_TOKEN else NumberConfirmation.REFUSED
    return NumberConfirmation.UNAVAILABLE


def _passes(code: Any) -> bool:
    return isinstance(code, int) and code in _PASSING


def _object(body: bytes) -> dict[str, Any]:
    try:
        shown = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return shown if isinstance(shown, dict) else {}
