"""DELETE /v1/identity/api-keys/{api_key_id}"""

from uuid import UUID

from parley.identity.keys import api_keys
from parley.identity.keys.schemas import ApiKeyRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="api_keys:manage", knows_projects=True)


@app.delete("/v1/identity/api-keys/<api_key_id>")
def delete_api_key(api_key_id: UUID, caller: AuthenticatedCaller) -> ApiKeyRead:
    with transaction(caller) as session:
        key = api_keys.revoke(session, caller, api_key_id)
    return ApiKeyRead.model_validate(key)


lambda_handler = entrypoint(app)
