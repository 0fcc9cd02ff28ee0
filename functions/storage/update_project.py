"""PATCH /v1/storage/projects/{project_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.storage import service
from parley.storage.schemas import ProjectRead, ProjectUpdate

app = api(needs="projects:write", knows_projects=True)


@app.patch("/v1/storage/projects/<project_id>")
def update_project(project_id: UUID, wanted: ProjectUpdate, caller: AuthenticatedCaller) -> ProjectRead:
    with transaction(caller) as session:
        project = service.change_project(session, caller, project_id, wanted)
    return ProjectRead.model_validate(project)


lambda_handler = entrypoint(app)
