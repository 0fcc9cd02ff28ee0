"""POST /v1/scheduling/workflows/preview"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling.workflows import trials
from parley.scheduling.workflows.schemas import PreviewRead, PreviewWanted

app = api(needs="workflows:write")


@app.post("/v1/scheduling/workflows/preview")
def preview_workflow(wanted: PreviewWanted, caller: AuthenticatedCaller) -> PreviewRead:
    with transaction(caller) as session:
        return trials.preview(session, caller, wanted)


lambda_handler = entrypoint(app)
