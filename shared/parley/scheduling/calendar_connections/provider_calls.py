"""Asks a calendar's provider, through the function that has a network and no database."""

from typing import TypeVar

from pydantic import BaseModel

from parley.calendar_providers.provider_protocol import Account, Operation, ProviderError, ProviderErrorCode, ProviderReply, ProviderRequest
from parley.kernel.aws import aws_requests
from parley.kernel.values.settings import setting

Expected = TypeVar("Expected", bound=BaseModel)
# For the call itself, beside the time that the provider has.
_MARGIN_SECONDS = 1.0


def ask(account: Account, wanted: Operation, expected: type[Expected], seconds: float) -> Expected:
    """The provider's answer, within about `seconds`. Raises `ProviderError`. Never to be called while locks are held."""
    request = ProviderRequest(account=account, wanted=wanted, seconds=seconds)
    try:
        answer = aws_requests.invoke(
            setting("ASK_CALENDAR_FUNCTION"), request.model_dump_json().encode(), seconds=seconds + _MARGIN_SECONDS
        )
    except TimeoutError as error:
        raise ProviderError(ProviderErrorCode.TIMED_OUT, "The calendar's server did not answer in time.") from error
    except (OSError, aws_requests.CallFailed) as error:
        raise ProviderError(ProviderErrorCode.UNAVAILABLE, "Nobody could be asked.") from error
    reply = ProviderReply.model_validate_json(answer)
    if reply.trouble is not None:
        raise ProviderError(reply.trouble.code, reply.trouble.message, reply.trouble.retry_after)
    if not isinstance(reply.answer, expected):
        raise ProviderError(ProviderErrorCode.UNAVAILABLE, "The answer is not one to this question.")
    return reply.answer
