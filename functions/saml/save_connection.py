"""PUT /v1/saml/connection"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.saml.connection_setup import saml_connections
from parley.saml.domain_proof import mail_domains
from parley.saml.schemas import SamlConnectionRead, SamlConnectionWanted

app = api(needs="sso:manage", most_bytes=512 * 1024)  # metadata of identity providers comes with many certificates


@app.put("/v1/saml/connection", operation_id="save_saml_connection")
def save_connection(wanted: SamlConnectionWanted, caller: AuthenticatedCaller) -> SamlConnectionRead:
    with transaction(caller) as session:
        connection = saml_connections.save(session, caller, wanted)
        proofs = mail_domains.claimed(session)
    return saml_connections.shown(connection, proofs)


lambda_handler = entrypoint(app)
