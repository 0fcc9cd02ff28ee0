"""GET /v1/identity/me"""

from parley.identity import service
from parley.identity.schemas import CallerRead
from parley.kernel.db import personal, transaction
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.get("/v1/identity/me")
def get_caller(caller: AuthenticatedCaller) -> CallerRead:
    with transaction(caller) if caller.has_organization else personal(caller) as session:
        return service.caller(session, caller)


lambda_handler = entrypoint(app)
