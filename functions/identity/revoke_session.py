"""DELETE /v1/auth/sessions/{session_id}"""

from uuid import UUID

from parley.identity import leaving
from parley.kernel.db import personal
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.delete("/v1/auth/sessions/<session_id>", status_code=204)
def revoke_session(session_id: UUID, caller: AuthenticatedCaller) -> None:
    with personal(caller) as session:
        leaving.end_session(session, caller, session_id)


lambda_handler = entrypoint(app)
