"""POST /v1/storage/projects"""

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.storage import service
from parley.storage.schemas import ProjectCreate, ProjectRead

app = api(needs="projects:write", knows_projects=True, location="/v1/storage/projects/{id}")


@app.post("/v1/storage/projects", status_code=201)
def create_project(wanted: ProjectCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> ProjectRead:
    with transaction(caller, once) as session:
        project = service.create_project(session, caller, wanted)
        return once.answer(session, ProjectRead.model_validate(project))


lambda_handler = entrypoint(app)
