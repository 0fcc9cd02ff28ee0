"""GET /v1/identity/me"""

from parley.identity.organizations import current_caller
from parley.identity.organizations.schemas import CallerRead
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import personal, transaction

app = api(needs=Access.PERSON)


@app.get("/v1/identity/me")
def get_caller(caller: AuthenticatedCaller) -> CallerRead:
    with transaction(caller) if caller.has_organization else personal(caller) as session:
        return current_caller.read_caller(session, caller)


lambda_handler = entrypoint(app)
