"""DELETE /v1/scheduling/workflows/{workflow_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling.workflows import definitions

app = api(needs="workflows:write")


@app.delete("/v1/scheduling/workflows/<workflow_id>", status_code=204)
def delete_workflow(workflow_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        definitions.delete_workflow(session, caller, workflow_id)


lambda_handler = entrypoint(app)
