"""DELETE /v1/storage/projects/{project_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.storage import service

app = api(needs="projects:write", knows_projects=True)


@app.delete("/v1/storage/projects/<project_id>", status_code=204)
def delete_project(project_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        service.delete_project(session, caller, project_id)


lambda_handler = entrypoint(app)
