"""DELETE /v1/auth/providers/linked/{link_id}"""

from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from parley.identity.providers import linked
from parley.kernel.db import personal
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.delete("/v1/auth/providers/linked/<link_id>", status_code=204)
def unlink_provider(link_id: UUID, caller: AuthenticatedCaller) -> Response[None]:
    with personal(caller) as session:
        linked.unlink(session, caller, link_id)
    return Response(204, "application/json")


lambda_handler = entrypoint(app)
