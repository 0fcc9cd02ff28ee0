"""GET /v1/auth/sessions"""

from parley.identity.log_in.schemas import SessionRead
from parley.identity.self_service import session_list
from parley.identity.sessions import log_in_sessions
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import personal

app = api(needs=Access.PERSON)


@app.get("/v1/auth/sessions")
def list_sessions(caller: AuthenticatedCaller, cursor: Cursor | None = None, limit: Limit = 50) -> Page[SessionRead]:
    with personal(caller) as session:
        rows, following = session_list.open_sessions(session, session.info["user_id"], cursor, limit)
    current = log_in_sessions.session_id_of(caller)
    return Page(items=[session_list.session_read(row, current) for row in rows], next_cursor=following)


lambda_handler = entrypoint(app)
