"""The doctor's questions about AWS: is each thing there that the environment names, and can it be used?"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.check_results import Ailing, Skipped
from local.resources import Clients

START = "Start `make run`: it makes what template.yaml declares, at this endpoint too."
CONTEXT = {"organization": "doctor"}


def _clients() -> Clients:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if not endpoint:
        raise Skipped("no endpoint is known: start `make run` in another terminal, or set AWS_ENDPOINT_URL")
    return Clients(endpoint, os.environ)


def _setting(name: str) -> str:
    if not os.environ.get(name):
        raise Skipped(f"{name} is not set; a running stack sets it")
    return os.environ[name]


def _asked(question: Callable[[], Any], mend: str) -> Any:
    try:
        return question()
    except ClientError as problem:
        raise Ailing(str(problem), mend) from problem
    except BotoCoreError as problem:
        raise Ailing(str(problem), "Does AWS_ENDPOINT_URL answer? Is the stack running?") from problem


def answers() -> str:
    clients = _clients()
    identity = _asked(clients.make("sts").get_caller_identity, "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    return f"{os.environ['AWS_ENDPOINT_URL']} as {identity['Arn']}"


def queues() -> str:
    clients = _clients()
    urls = {name: value for name, value in os.environ.items() if name.endswith("_QUEUE_URL") and value}
    if not urls:
        raise Skipped("no address of a queue is set; a running stack sets them")
    waiting = []
    for name, url in sorted(urls.items()):
        ask = partial(clients.sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"])
        attributes = _asked(ask, f"{name}: {START}")["Attributes"]
        waiting.append(f"{url.rsplit('/', 1)[-1]} ({attributes['ApproximateNumberOfMessages']} waiting)")
    return ", ".join(waiting)


def bucket() -> str:
    s3, name, key = _clients().s3, _setting("MEDIA_BUCKET"), f"doctor/{uuid.uuid4()}"
    _asked(partial(s3.put_object, Bucket=name, Key=key, Body=b"doctor", ContentType="text/plain"), START)
    try:
        body = _asked(partial(s3.get_object, Bucket=name, Key=key), START)["Body"].read()
    finally:
        _asked(partial(s3.delete_object, Bucket=name, Key=key), f"Remove {key} from {name} yourself.")
    if body != b"doctor":
        raise Ailing(f"{name} gave back something else than was put there", "What is behind AWS_ENDPOINT_URL?")
    return f"{name}: an object was put, read and removed"


def data_key() -> str:
    kms, key = _clients().kms, _setting("DATA_KEY_ID")
    made = _asked(partial(kms.generate_data_key, KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT), START)
    opened = _asked(partial(kms.decrypt, CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT), START)
    if opened["Plaintext"] != made["Plaintext"]:
        raise Ailing("a data key could not be opened again", "Sealed columns would be lost: is DATA_KEY_ID the key of this endpoint?")
    return f"{key} makes and opens data keys"


def token_key() -> str:
    from parley.identity.sessions import access_tokens

    kms, key, jwks = _clients().kms, _setting("TOKEN_KEY_ID"), _setting("TOKEN_JWKS")
    public = _asked(partial(kms.get_public_key, KeyId=key), START)["PublicKey"]
    if str(access_tokens.public_jwk(public)["kid"]) not in jwks:
        raise Ailing("TOKEN_JWKS does not hold the public half of TOKEN_KEY_ID: no token would be valid", "Deploy, or restart `make run`.")
    return f"{key} is published"


def bus() -> str:
    events, name = _clients().events, _setting("EVENT_BUS_NAME")
    rules = _asked(partial(events.list_rules, EventBusName=name), START)["Rules"]
    return f"{name} with {len(rules)} rules"


CHECKS: list[tuple[str, Callable[[], str]]] = [
    ("answers", answers),
    ("queues", queues),
    ("bucket", bucket),
    ("data key", data_key),
    ("token key", token_key),
    ("bus", bus),
]
