"""boto3, for what needs it: paging, streams, many operations. Imported when first used, so a handler that does not call pays nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from parley.kernel.values.errors import AnswerLost

if TYPE_CHECKING:
    from parley.kernel.aws.aws_requests import AwsCredentials

EFFECTS = frozenset({"sesv2", "sns"})
"""Services whose calls have an effect and no name of their own: made twice, a mail or a text leaves twice. They are called once, on a
connection of the call's own; who called repeats it, by a row that counts how often (`notifications.retry`)."""
_REFUSING = frozenset({429, 503})


@lru_cache(maxsize=16)
def client(service: str, credentials: "AwsCredentials | None" = None) -> Any:
    """The environment's client of an AWS service, with short time limits and at most three attempts; one for `EFFECTS`.

    `credentials` in the place of the function's own make a client of their own.
    """
    import boto3
    from botocore.config import Config

    settings = Config(
        signature_version="s3v4" if service == "s3" else None,
        connect_timeout=3,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 1 if service in EFFECTS else 3},
    )
    scoped = {} if credentials is None else _named(credentials)
    made = boto3.client(service, config=settings, **scoped)  # type: ignore[call-overload]  # the name is a variable
    if service in EFFECTS:
        # A connection that is kept may have died while the environment was frozen: that would look like a lost answer.
        made.meta.events.register(f"before-send.{service}", _close_after)
    return made


def _named(credentials: "AwsCredentials") -> dict[str, str | None]:
    return {
        "aws_access_key_id": credentials.key_id,
        "aws_secret_access_key": credentials.secret,
        "aws_session_token": credentials.token,
    }


def _close_after(request: Any, **_: Any) -> None:
    request.headers["Connection"] = "close"


@contextmanager
def effect() -> Iterator[None]:
    """Around a call of `EFFECTS`. What is raised besides `AnswerLost` is sure to have had no effect.

    Sure are an answer that refuses (4xx; 429 and 503, which come before anything is done) and a connection that was never made. A time
    limit, a connection that ended, and any other 5xx are not.
    """
    from botocore import exceptions as of
    from botocore.parsers import ResponseParserError

    try:
        yield
    except of.ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if 400 <= status < 500 or status in _REFUSING:
            raise
        raise AnswerLost(type(error).__name__) from None
    except (of.EndpointConnectionError, of.ConnectTimeoutError, of.ProxyConnectionError, of.SSLError):
        raise
    except (of.HTTPClientError, of.ResponseStreamingError, of.IncompleteReadError, ResponseParserError) as error:
        raise AnswerLost(type(error).__name__) from None
