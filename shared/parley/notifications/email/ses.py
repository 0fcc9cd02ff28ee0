"""Mails, through Amazon SES."""

from parley.kernel.aws.boto3_clients import client, effect
from parley.kernel.values.settings import setting
from parley.notifications.email.email_message import Mail


def send(mail: Mail) -> None:
    """Returns when SES has taken it; it is asked once. Raises `AnswerLost`, and whatever the call of SES raises."""
    events = setting("MAIL_CONFIGURATION_SET", "")
    with effect():
        client("sesv2").send_email(
            FromEmailAddress=setting("MAIL_FROM"),
            Destination={"ToAddresses": [mail.recipient]},
            Content={"Raw": {"Data": mail.message}},
            **({"ConfigurationSetName": events} if events else {}),
        )
