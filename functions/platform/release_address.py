"""Invoked by an operator alone (`aws lambda invoke`): `{"address"}` lets mails go to an address again that bounced or complained.

No route leads here: who may, IAM says (`lambda:InvokeFunction`), and CloudTrail keeps that it was done.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.persistence.transactions import transaction
from parley.notifications.email import suppressions


class AddressRelease(BaseModel):
    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(min_length=3, max_length=320)]


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    release = AddressRelease.model_validate(event)
    with transaction(system(NOWHERE)) as session:
        was_suppressed = suppressions.release_by_operator(session, release.address)
    return {"was_suppressed": was_suppressed}
