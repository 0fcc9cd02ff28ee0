"""GET /v1/saml/connection"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.saml.connection_setup import saml_connections
from parley.saml.domain_proof import mail_domains
from parley.saml.schemas import SamlConnectionRead

app = api(needs="sso:manage")


@app.get("/v1/saml/connection", operation_id="get_saml_connection")
def get_connection(caller: AuthenticatedCaller) -> SamlConnectionRead:
    with transaction(caller) as session:
        connection = saml_connections.connection(session)
        proofs = mail_domains.claimed(session)
    return saml_connections.shown(connection, proofs)


lambda_handler = entrypoint(app)
