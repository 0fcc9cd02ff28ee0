"""DELETE /v1/storage/projects/{project_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.storage import service
from parley.storage.schemas import ProjectRead

app = api(needs="projects:write", knows_projects=True)


@app.delete("/v1/storage/projects/<project_id>")
def delete_project(project_id: UUID, caller: AuthenticatedCaller) -> ProjectRead:
    with transaction(caller) as session:
        project = service.delete_project(session, caller, project_id)
    return ProjectRead.model_validate(project)


lambda_handler = entrypoint(app)
