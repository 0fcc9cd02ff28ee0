"""ANY /scim/v2/{proxy+}: one function for a whole protocol, whose forms of requests, answers and refusals are RFC 7644's."""

from parley.kernel.edge.http import Protocol, entrypoint
from parley.scim import errors, scim_endpoint

MOST_BYTES = 1024 * 1024

app = Protocol(
    needs="scim:provision",
    accepts=(errors.MEDIA_TYPE, "application/json"),
    most_bytes=MOST_BYTES,
    answer=scim_endpoint.serve,
    shape=errors.scim_error,
)

lambda_handler = entrypoint(app)
