"""Whose an account at a platform is: who brings a token that the platform itself confirms."""

import json

from parley.inbox.platforms.meta_graph_api import NumberConfirmation
from parley.inbox.schemas import ConnectionCreate
from parley.kernel.aws import aws_requests
from parley.kernel.values.errors import Unavailable, Unprocessable
from parley.kernel.values.settings import setting

_SECONDS = 8.0
# For the call itself, beside the time that the platform has.
_MARGIN_SECONDS = 2.0


class TokenNotConfirmed(Unprocessable):
    """The platform does not show the account to this token."""


class PlatformUnavailable(Unavailable):
    """The platform did not say whose account it is."""


def ask(phone_number_id: str, access_token: str) -> NumberConfirmation:
    """What the platform says, asked through the function that has a network. Never to be called while locks are held."""
    question = json.dumps({"phone_number_id": phone_number_id, "access_token": access_token, "seconds": _SECONDS}).encode()
    try:
        answer = json.loads(aws_requests.invoke(setting("ASK_PLATFORM_FUNCTION"), question, seconds=_SECONDS + _MARGIN_SECONDS))
        return NumberConfirmation(answer["confirmation"])
    except (OSError, aws_requests.CallFailed, ValueError, KeyError, TypeError):
        return NumberConfirmation.UNAVAILABLE


def verify_account(wanted: ConnectionCreate) -> None:
    """Ask before anything is stored. Raises `TokenNotConfirmed`, `PlatformUnavailable`."""
    confirmation = ask(wanted.phone_number_id, wanted.access_token.get_secret_value())
    if confirmation in (NumberConfirmation.REFUSED, NumberConfirmation.EXPIRED):
        raise TokenNotConfirmed(
            "WhatsApp does not show this phone number id to this access token; take both from the same app, with the permission "
            "whatsapp_business_management."
        )
    if confirmation is NumberConfirmation.UNAVAILABLE:
        raise PlatformUnavailable("WhatsApp did not answer whether this token is for this number; try again in a moment.", 10)
