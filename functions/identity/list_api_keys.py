"""GET /v1/identity/api-keys"""

from uuid import UUID

from parley.identity.keys import api_keys
from parley.identity.keys.schemas import ApiKeyRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction

app = api(needs="api_keys:manage", knows_projects=True)


@app.get("/v1/identity/api-keys")
def list_api_keys(
    caller: AuthenticatedCaller, project_id: UUID | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Page[ApiKeyRead]:
    with transaction(caller) as session:
        return api_keys.api_keys(session, caller, project_id=project_id, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
