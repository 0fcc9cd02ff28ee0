"""POST /v1/saml/connection/approve: the owner agrees to what an administrator has set up or changed."""

from parley.identity import single_sign_on
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.saml import connections, domains
from parley.saml.schemas import SamlApprovalWanted, SamlConnectionRead

app = api(needs=single_sign_on.APPROVE)


@app.post("/v1/saml/connection/approve", operation_id="approve_saml_connection")
def approve_connection(wanted: SamlApprovalWanted, caller: AuthenticatedCaller) -> SamlConnectionRead:
    with transaction(caller) as session:
        connection = connections.approve(session, caller, wanted.digest)
        proofs = domains.claimed(session)
    return connections.shown(connection, proofs)


lambda_handler = entrypoint(app)
