"""GET /v1/storage/projects/{project_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.storage import service
from parley.storage.schemas import ProjectRead

app = api(needs="projects:read", knows_projects=True)


@app.get("/v1/storage/projects/<project_id>")
def get_project(project_id: UUID, caller: AuthenticatedCaller) -> ProjectRead:
    with transaction(caller) as session:
        return ProjectRead.model_validate(service.project(session, caller, project_id))


lambda_handler = entrypoint(app)
