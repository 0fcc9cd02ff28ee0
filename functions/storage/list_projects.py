"""GET /v1/storage/projects"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.storage import service
from parley.storage.schemas import ProjectRead

app = api(needs="projects:read", knows_projects=True)


@app.get("/v1/storage/projects")
def list_projects(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[ProjectRead]:
    with transaction(caller) as session:
        return service.projects(session, caller, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
