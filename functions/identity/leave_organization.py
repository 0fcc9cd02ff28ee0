"""POST /v1/identity/organization/leave"""

from parley.identity import members
from parley.kernel.db import transaction
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/identity/organization/leave", status_code=204)
def leave_organization(caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        members.leave(session, caller)


lambda_handler = entrypoint(app)
