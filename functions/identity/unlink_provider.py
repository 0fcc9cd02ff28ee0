"""DELETE /v1/auth/providers/linked/{link_id}"""

from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from parley.identity.log_in.schemas import Proof
from parley.identity.providers import linked_providers
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.delete("/v1/auth/providers/linked/<link_id>", status_code=204)
def unlink_provider(link_id: UUID, caller: AuthenticatedCaller, wanted: Proof | None = None) -> Response[None]:
    linked_providers.unlink(caller, link_id, *(wanted or Proof()).opened())
    return Response(204, "application/json")


lambda_handler = entrypoint(app)
