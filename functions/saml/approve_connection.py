"""POST /v1/saml/connection/approve: the owner agrees to what an administrator has set up or changed."""

from parley.identity.sessions import single_sign_on
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.saml.connection_setup import saml_connections
from parley.saml.domain_proof import mail_domains
from parley.saml.schemas import SamlApprovalWanted, SamlConnectionRead

app = api(needs=single_sign_on.APPROVE)


@app.post("/v1/saml/connection/approve", operation_id="approve_saml_connection")
def approve_connection(wanted: SamlApprovalWanted, caller: AuthenticatedCaller) -> SamlConnectionRead:
    with transaction(caller) as session:
        connection = saml_connections.approve(session, caller, wanted.digest)
        proofs = mail_domains.claimed(session)
    return saml_connections.shown(connection, proofs)


lambda_handler = entrypoint(app)
