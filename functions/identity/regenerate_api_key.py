"""POST /v1/identity/api-keys/{api_key_id}/regenerate"""

from uuid import UUID

from parley.identity.keys import api_keys
from parley.identity.keys.schemas import ApiKeyMade, ApiKeyRead, ApiKeyRegenerate
from parley.kernel.edge.http import AuthenticatedCaller, SealedIdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="api_keys:manage", knows_projects=True, location="/v1/identity/api-keys/{id}")


@app.post("/v1/identity/api-keys/<api_key_id>/regenerate", status_code=201)
def regenerate_api_key(
    api_key_id: UUID, caller: AuthenticatedCaller, once: SealedIdempotencyKey, wanted: ApiKeyRegenerate | None = None
) -> ApiKeyMade:
    with transaction(caller, once) as session:
        made, key = api_keys.regenerate(session, caller, api_key_id, wanted or ApiKeyRegenerate())
        shown = ApiKeyMade(**ApiKeyRead.model_validate(made).model_dump(), key=key)
        return once.answer(session, shown)


lambda_handler = entrypoint(app)
