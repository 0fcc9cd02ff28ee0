"""POST /v1/identity/api-keys"""

from parley.identity.keys import api_keys
from parley.identity.keys.schemas import ApiKeyCreate, ApiKeyMade, ApiKeyRead
from parley.kernel.edge.http import AuthenticatedCaller, SealedIdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="api_keys:manage", knows_projects=True, location="/v1/identity/api-keys/{id}")


@app.post("/v1/identity/api-keys", status_code=201)
def create_api_key(wanted: ApiKeyCreate, caller: AuthenticatedCaller, once: SealedIdempotencyKey) -> ApiKeyMade:
    with transaction(caller, once) as session:
        if wanted.project_id is not None:
            from parley.storage import service as storage  # who makes a key of the organization does not pay for it

            storage.project(session, caller, wanted.project_id)
        made, key = api_keys.make_key(session, caller, wanted)
        shown = ApiKeyMade(**ApiKeyRead.model_validate(made).model_dump(), key=key)
        return once.answer(session, shown)


lambda_handler = entrypoint(app)
