"""PATCH /v1/identity/me"""

from parley.identity import oneself, service
from parley.identity.log_in_schemas import ProfileUpdate
from parley.identity.schemas import CallerRead
from parley.kernel.db import personal, transaction
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.patch("/v1/identity/me")
def update_caller(wanted: ProfileUpdate, caller: AuthenticatedCaller) -> CallerRead:
    with transaction(caller, person=caller.actor_id) if caller.has_organization else personal(caller) as session:
        oneself.change_profile(session, caller, wanted.asked())
        return service.caller(session, caller)


lambda_handler = entrypoint(app)
