"""boto3, for what needs it: paging, streams, many operations. Imported when first used, so a handler that does not call pays nothing."""

from functools import cache
from typing import Any


@cache
def client(service: str) -> Any:
    """The environment's client of an AWS service, with short time limits and at most three attempts."""
    import boto3
    from botocore.config import Config

    settings = Config(
        signature_version="s3v4" if service == "s3" else None,
        connect_timeout=3,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return boto3.client(service, config=settings)  # type: ignore[call-overload]  # the name is a variable
