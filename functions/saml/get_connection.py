"""GET /v1/saml/connection"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.saml import connections, domains
from parley.saml.schemas import SamlConnectionRead

app = api(needs="sso:manage")


@app.get("/v1/saml/connection", operation_id="get_saml_connection")
def get_connection(caller: AuthenticatedCaller) -> SamlConnectionRead:
    with transaction(caller) as session:
        connection = connections.connection(session, caller)
        proofs = domains.claimed(session)
    return connections.shown(connection, proofs)


lambda_handler = entrypoint(app)
