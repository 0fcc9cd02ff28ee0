"""Requests of the adapters: within one deadline for the whole operation, and with failures named as troubles."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from parley.calendar_providers import provider_protocol
from parley.calendar_providers.provider_protocol import ProviderError, ProviderErrorCode
from parley.kernel.outbound import http_client
from parley.kernel.outbound.http_client import ClientResponse, RequestFailed

LARGEST_ANSWER = 8 * 1024 * 1024
USER_AGENT = "Parley-Calendars/1"
_LONGEST_WAIT = 24 * 3600.0


class Deadline:
    """The end of an operation's time: several requests share it."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds. Raises `ProviderError` when there are none."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise ProviderError(ProviderErrorCode.TIMED_OUT, "The calendar's server did not answer in time.")
        return left


Operations = Mapping[str, Callable[[Any, Any, Deadline], provider_protocol.ProviderAnswer]]
"""What an adapter can do, by the word of the operation: each takes the account, what is wanted, and the deadline."""


def send(
    method: str,
    url: str,
    deadline: Deadline,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    *,
    most_bytes: int = LARGEST_ANSWER,
    schemes: tuple[str, ...] = ("https",),
) -> ClientResponse:
    """One request. Any status is an answer; one that is too long or ends early is none. Raises `ProviderError`."""
    own = {"user-agent": USER_AGENT} | (headers or {})
    try:
        answer = http_client.request(method, url, own, body, schemes=schemes, seconds=deadline.left, most_bytes=most_bytes)
    except RequestFailed as failure:
        raise _failed(failure.code) from failure
    if not answer.is_complete and method != "HEAD":
        deadline.left  # noqa: B018  # raises when its time is over
        raise ProviderError(ProviderErrorCode.UNAVAILABLE, "The calendar's server sent an answer that is too long, or not all of it.")
    return answer


def _failed(code: str) -> ProviderError:
    if code == "timed_out":
        return ProviderError(ProviderErrorCode.TIMED_OUT, "The calendar's server did not answer in time.")
    if code == "address_refused":
        return ProviderError(ProviderErrorCode.REFUSED, "The address is not one on the public internet, with https.")
    return ProviderError(ProviderErrorCode.UNAVAILABLE, f"The calendar's server can't be reached ({code}).")


def error_of_status(answer: ClientResponse, message: str = "") -> ProviderError:
    """What a status that is no success means. Adapters look before at what their provider means by it in particular."""
    retry_after = _retry_after(answer.headers.get("retry-after", ""))
    match answer.status:
        case 401 | 407:
            code = ProviderErrorCode.UNAUTHORIZED
        case 404 | 410:
            code = ProviderErrorCode.NOT_FOUND
        case 409 | 412 | 423:
            code = ProviderErrorCode.CONFLICT
        case 429:
            code = ProviderErrorCode.RATE_LIMITED
        case 408 | 425:
            code = ProviderErrorCode.UNAVAILABLE
        case status if 400 <= status < 500 or status < 200 or status in (501, 505):
            code = ProviderErrorCode.REFUSED
        case _:
            code = ProviderErrorCode.UNAVAILABLE
    return ProviderError(code, message or f"The calendar's server answered {answer.status}.", retry_after, status=answer.status)


def _retry_after(header: str) -> float | None:
    """Seconds, of a header that says them or a date (RFC 9110, 10.2.3)."""
    try:
        if header.isascii() and header.isdigit():
            return min(float(header[:9]), _LONGEST_WAIT)
        seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)
