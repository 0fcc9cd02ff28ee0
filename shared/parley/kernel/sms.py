"""Sends texts to telephones, through Amazon SNS."""

from parley.kernel.aws import client, effect

_TRANSACTIONAL = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}


def send(number: str, text: str) -> None:
    """Returns when SNS has taken it; it is asked once. `number` is in E.164. Raises `AnswerLost`, and whatever the call of SNS raises."""
    with effect():
        client("sns").publish(PhoneNumber=number, Message=text, MessageAttributes=_TRANSACTIONAL)
