"""DELETE /v1/saml/connection"""

from aws_lambda_powertools.event_handler import Response

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.saml.connection_setup import saml_connections

app = api(needs="sso:manage")


@app.delete("/v1/saml/connection", operation_id="delete_saml_connection", responses={204: {"description": "Single sign-on is off"}})
def delete_connection(caller: AuthenticatedCaller) -> Response[None]:
    with transaction(caller) as session:
        saml_connections.remove(session, caller)
    return Response(204)


lambda_handler = entrypoint(app)
