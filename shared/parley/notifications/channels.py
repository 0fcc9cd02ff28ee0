"""Mails through Amazon SES, texts through Amazon SNS: for workers that send both. Who sends mails alone takes `ses.send`."""

from parley.notifications import ses, sns
from parley.notifications.email_message import Mail
from parley.notifications.sender import Message


def deliver(message: Message) -> None:
    """Returns when it was taken; that is asked once. Raises `AnswerLost`, and whatever the call raises."""
    if isinstance(message, Mail):
        ses.send(message)
    else:
        sns.send(message)
