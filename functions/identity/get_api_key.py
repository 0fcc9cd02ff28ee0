"""GET /v1/identity/api-keys/{api_key_id}"""

from uuid import UUID

from parley.identity.keys import api_keys
from parley.identity.keys.schemas import ApiKeyRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="api_keys:manage", knows_projects=True)


@app.get("/v1/identity/api-keys/<api_key_id>")
def get_api_key(api_key_id: UUID, caller: AuthenticatedCaller) -> ApiKeyRead:
    with transaction(caller) as session:
        return ApiKeyRead.model_validate(api_keys.api_key(session, caller, api_key_id))


lambda_handler = entrypoint(app)
