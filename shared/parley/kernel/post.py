"""Sends mails, through Amazon SES."""

from parley.kernel.aws import client, effect
from parley.kernel.errors import AnswerLost
from parley.kernel.mail import Mail
from parley.kernel.settings import setting


class NotSent(Exception):
    """A mail could not be sent. It names the failure's type: the failure's text may hold an address."""


def send(mail: Mail) -> None:
    """Returns when SES has taken it; it is asked once. Raises `AnswerLost`, and whatever the call of SES raises."""
    with effect():
        client("sesv2").send_email(
            FromEmailAddress=setting("MAIL_FROM"), Destination={"ToAddresses": [mail.recipient]}, Content={"Raw": {"Data": mail.message}}
        )


def send_discreetly(mail: Mail) -> None:
    """The same, for workers whose failures are logged. Raises `AnswerLost`, `NotSent`."""
    try:
        send(mail)
    except AnswerLost:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it was, it is raised again without its text
        raise NotSent(type(error).__name__).with_traceback(error.__traceback__) from None
