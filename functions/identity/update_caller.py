"""PATCH /v1/identity/me"""

from parley.identity.log_in.schemas import ProfileUpdate
from parley.identity.organizations import current_caller
from parley.identity.organizations.schemas import CallerRead
from parley.identity.self_service import own_account
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import personal, transaction

app = api(needs=Access.PERSON)


@app.patch("/v1/identity/me")
def update_caller(wanted: ProfileUpdate, caller: AuthenticatedCaller) -> CallerRead:
    with transaction(caller, person=caller.actor_id) if caller.has_organization else personal(caller) as session:
        own_account.change_profile(session, caller, wanted.changed_fields())
        return current_caller.read_caller(session, caller)


lambda_handler = entrypoint(app)
