"""What may reach the bytes of an organization: credentials of AWS that are its own, so that a wrong key opens nobody else's recording."""

from dataclasses import dataclass
from uuid import UUID

from parley.kernel.aws import tenant_credentials
from parley.kernel.aws.aws_requests import AwsCredentials
from parley.kernel.values.errors import Unavailable

LIFE = tenant_credentials.AT_LEAST
"""How long an address is good, and so how long an answer that holds one is repeated: no longer than what signed it is good for sure."""


class StorageUnavailable(Unavailable):
    """The object storage does not answer right now."""


@dataclass(frozen=True, slots=True)
class ObjectAccess:
    """`credentials` reach the objects of one organization; None are the function's own."""

    credentials: AwsCredentials | None


def of(organization_id: UUID) -> ObjectAccess:
    """Of the organization that is asked for by its caller, never by a key. To be taken before a transaction begins: it may ask STS.

    Raises `StorageUnavailable`.
    """
    try:
        return ObjectAccess(tenant_credentials.of(organization_id))
    except tenant_credentials.CredentialsNotIssued as error:
        raise StorageUnavailable("The object storage does not answer right now; try again in a moment.") from error
