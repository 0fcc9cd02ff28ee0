"""Credentials of AWS that reach one organization: the second wall behind row-level security, for what lies outside of the database.

A function with the setting `TENANT_ROLE_ARN` may not reach objects by itself. It asks STS for that role with the organization as a session
tag, and the role's policy names objects by that tag. A session without a tag reaches nothing; IAM decides, no line of ours.
STS gives a role that was taken by another role an hour at most, so what is handed out here is good for `AT_LEAST` more.
"""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from parley.kernel.aws import aws_requests
from parley.kernel.aws.aws_requests import AwsCredentials
from parley.kernel.values.settings import is_set, setting

TAG = "organization_id"
AT_LEAST = timedelta(minutes=45)
_LIFE = timedelta(hours=1)
_KEPT_ORGANIZATIONS = 50
_FORM = re.compile(
    r"<Credentials>(?=.*?<AccessKeyId>([^<]+)</AccessKeyId>)(?=.*?<SecretAccessKey>([^<]+)</SecretAccessKey>)"
    r"(?=.*?<SessionToken>([^<]+)</SessionToken>)(?=.*?<Expiration>([^<]+)</Expiration>)",
    re.DOTALL,
)

# By role and organization, the longest kept first.
_kept: dict[tuple[str, UUID], tuple[datetime, AwsCredentials]] = {}


class CredentialsNotIssued(Exception):
    """STS gave no credentials: it does not answer, or refuses."""


def of(organization_id: UUID) -> AwsCredentials | None:
    """Credentials that reach this organization alone; None, the function's own, where nothing else is set up. Raises `NotGiven`."""
    if not is_set("TENANT_ROLE_ARN"):
        return None
    cache_key = setting("TENANT_ROLE_ARN"), organization_id
    good_until, credentials = _kept.pop(cache_key, (None, None))
    if good_until is None or credentials is None or good_until - datetime.now(UTC) < AT_LEAST:
        good_until, credentials = _assumed(*cache_key)
    while len(_kept) >= _KEPT_ORGANIZATIONS:
        _kept.pop(next(iter(_kept)))
    _kept[cache_key] = good_until, credentials
    return credentials


def _assumed(role: str, organization_id: UUID) -> tuple[datetime, AwsCredentials]:
    parameters = {
        "Action": "AssumeRole",
        "RoleArn": role,
        "RoleSessionName": str(organization_id),
        "DurationSeconds": str(int(_LIFE.total_seconds())),
        "Tags.member.1.Key": TAG,
        "Tags.member.1.Value": str(organization_id),
    }
    try:
        match = _FORM.search(aws_requests.call_query_protocol("sts", "2011-06-15", parameters))
    except (aws_requests.CallFailed, OSError) as error:
        raise CredentialsNotIssued("STS gave no credentials for an organization.") from error
    if match is None:
        raise CredentialsNotIssued("STS answered in another form.")
    key_id, secret, token, written = match.groups()
    try:
        good_until = datetime.fromisoformat(written)
    except ValueError as error:
        raise CredentialsNotIssued("STS gave credentials until no date.") from error
    if good_until.tzinfo is None:
        raise CredentialsNotIssued("STS gave credentials until a time of no zone.")
    return good_until, AwsCredentials(key_id, secret, token)
