"""POST /v1/scheduling/workflows/preview"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.workflows import preview
from parley.scheduling.workflows.schemas import PreviewRead, PreviewWanted

app = api(needs="workflows:write")


@app.post("/v1/scheduling/workflows/preview")
def preview_workflow(wanted: PreviewWanted, caller: AuthenticatedCaller) -> PreviewRead:
    with transaction(caller) as session:
        return preview.preview(session, caller, wanted)


lambda_handler = entrypoint(app)
