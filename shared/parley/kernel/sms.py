"""Sends texts to telephones, through Amazon SNS."""

from parley.kernel.aws import client

_TRANSACTIONAL = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}


def send(number: str, text: str) -> None:
    """Returns when SNS has taken it. `number` is in E.164. Raises whatever the call of SNS raises."""
    client("sns").publish(PhoneNumber=number, Message=text, MessageAttributes=_TRANSACTIONAL)
