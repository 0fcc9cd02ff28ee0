"""PATCH /v1/identity/api-keys/{api_key_id}"""

from uuid import UUID

from parley.identity import api_keys
from parley.identity.key_schemas import ApiKeyRead, ApiKeyUpdate
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="api_keys:manage", knows_projects=True)


@app.patch("/v1/identity/api-keys/<api_key_id>")
def update_api_key(api_key_id: UUID, wanted: ApiKeyUpdate, caller: AuthenticatedCaller) -> ApiKeyRead:
    with transaction(caller) as session:
        key = api_keys.change(session, caller, api_key_id, wanted)
    return ApiKeyRead.model_validate(key)


lambda_handler = entrypoint(app)
