"""DELETE /v1/identity/api-keys/{api_key_id}"""

from uuid import UUID

from parley.identity.keys import api_keys
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="api_keys:manage", knows_projects=True)


@app.delete("/v1/identity/api-keys/<api_key_id>", status_code=204)
def delete_api_key(api_key_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        api_keys.revoke(session, caller, api_key_id)


lambda_handler = entrypoint(app)
