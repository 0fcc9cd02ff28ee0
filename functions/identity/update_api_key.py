"""PATCH /v1/identity/api-keys/{api_key_id}"""

from uuid import UUID

from parley.identity.keys import api_keys
from parley.identity.keys.schemas import ApiKeyRead, ApiKeyUpdate
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="api_keys:manage", knows_projects=True)


@app.patch("/v1/identity/api-keys/<api_key_id>")
def update_api_key(api_key_id: UUID, wanted: ApiKeyUpdate, caller: AuthenticatedCaller) -> ApiKeyRead:
    with transaction(caller) as session:
        key = api_keys.change(session, caller, api_key_id, wanted)
    return ApiKeyRead.model_validate(key)


lambda_handler = entrypoint(app)
