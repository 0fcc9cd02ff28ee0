"""Texts to telephones, through Amazon SNS."""

from parley.kernel.aws.boto3_clients import client, effect
from parley.notifications.sms import SmsMessage

_TRANSACTIONAL = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}


def send(message: SmsMessage) -> None:
    """Returns when SNS has taken it; it is asked once. Raises `AnswerLost`, and whatever the call of SNS raises."""
    with effect():
        client("sns").publish(PhoneNumber=message.recipient, Message=message.text, MessageAttributes=_TRANSACTIONAL)
