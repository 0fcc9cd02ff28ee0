"""DELETE /v1/auth/sessions/{session_id}"""

from uuid import UUID

from parley.identity.self_service import session_list
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import personal

app = api(needs=Access.PERSON)


@app.delete("/v1/auth/sessions/<session_id>", status_code=204)
def revoke_session(session_id: UUID, caller: AuthenticatedCaller) -> None:
    with personal(caller) as session:
        session_list.end_session(session, caller, session_id)


lambda_handler = entrypoint(app)
