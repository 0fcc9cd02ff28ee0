"""Whose an account at a platform is: who brings a token that the platform itself confirms."""

import json

from parley.inbox.graph_api import Confirmation
from parley.inbox.schemas import ConnectionCreate
from parley.kernel import signed
from parley.kernel.errors import Unavailable, Unprocessable
from parley.kernel.settings import setting

_SECONDS = 8.0
# For the call itself, beside the time that the platform has.
_MARGIN_SECONDS = 2.0


class TokenNotConfirmed(Unprocessable):
    """The platform does not show the account to this token."""


class PlatformUnavailable(Unavailable):
    """The platform did not say whose account it is."""


def ask(phone_number_id: str, access_token: str) -> Confirmation:
    """What the platform says, asked through the function that has a network. Never to be called while locks are held."""
    question = json.dumps({"phone_number_id": phone_number_id, "access_token": access_token, "seconds": _SECONDS}).encode()
    try:
        answer = json.loads(signed.invoke(setting("ASK_PLATFORM_FUNCTION"), question, seconds=_SECONDS + _MARGIN_SECONDS))
        return Confirmation(answer["confirmation"])
    except (OSError, signed.CallFailed, ValueError, KeyError, TypeError):
        return Confirmation.UNAVAILABLE


def prove(wanted: ConnectionCreate) -> None:
    """Ask before anything is stored. Raises `TokenNotConfirmed`, `PlatformUnavailable`."""
    confirmation = ask(wanted.phone_number_id, wanted.access_token.get_secret_value())
    if confirmation in (Confirmation.REFUSED, Confirmation.EXPIRED):
        raise TokenNotConfirmed(
            "WhatsApp does not show this phone number id to this access token; take both from the same app, with the permission "
            "whatsapp_business_management."
        )
    if confirmation is Confirmation.UNAVAILABLE:
        raise PlatformUnavailable("WhatsApp did not answer whether this token is for this number; try again in a moment.", 10)
