"""POST /v1/identity/organization/leave"""

from parley.identity.members import membership
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs=Access.PERSON)


@app.post("/v1/identity/organization/leave", status_code=204)
def leave_organization(caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        membership.leave(session, caller)


lambda_handler = entrypoint(app)
