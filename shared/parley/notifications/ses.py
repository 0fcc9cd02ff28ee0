"""Mails, through Amazon SES."""

from parley.kernel.aws import client, effect
from parley.kernel.settings import setting
from parley.notifications.email_message import Mail


def send(mail: Mail) -> None:
    """Returns when SES has taken it; it is asked once. Raises `AnswerLost`, and whatever the call of SES raises."""
    with effect():
        client("sesv2").send_email(
            FromEmailAddress=setting("MAIL_FROM"), Destination={"ToAddresses": [mail.recipient]}, Content={"Raw": {"Data": mail.message}}
        )
