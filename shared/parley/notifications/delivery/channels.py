"""Mails through Amazon SES, texts through Amazon SNS: for workers that send both. Who sends mails alone takes `ses.send`."""

from parley.notifications import sns
from parley.notifications.delivery.sender import Message
from parley.notifications.email import ses
from parley.notifications.email.email_message import Mail


def deliver(message: Message) -> None:
    """Returns when it was taken; that is asked once. Raises `AnswerLost`, and whatever the call raises."""
    if isinstance(message, Mail):
        ses.send(message)
    else:
        sns.send(message)
