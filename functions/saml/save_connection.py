"""PUT /v1/saml/connection"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.saml import connections, domains
from parley.saml.schemas import SamlConnectionRead, SamlConnectionWanted

app = api(needs="sso:manage", most_bytes=512 * 1024)  # metadata of identity providers comes with many certificates


@app.put("/v1/saml/connection", operation_id="save_saml_connection")
def save_connection(wanted: SamlConnectionWanted, caller: AuthenticatedCaller) -> SamlConnectionRead:
    with transaction(caller) as session:
        connection = connections.save(session, caller, wanted)
        proofs = domains.claimed(session)
    return connections.shown(connection, proofs)


lambda_handler = entrypoint(app)
