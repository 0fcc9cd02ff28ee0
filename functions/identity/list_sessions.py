"""GET /v1/auth/sessions"""

from parley.identity import leaving, oneself
from parley.identity.log_in_schemas import SessionRead
from parley.kernel.db import personal
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page

app = api(needs=Access.PERSON)


@app.get("/v1/auth/sessions")
def list_sessions(caller: AuthenticatedCaller, cursor: Cursor | None = None, limit: Limit = 50) -> Page[SessionRead]:
    with personal(caller) as session:
        rows, following = leaving.open_sessions(session, session.info["user_id"], cursor, limit)
    current = oneself.session_of(caller)
    return Page(items=[leaving.shown(row, current) for row in rows], next_cursor=following)


lambda_handler = entrypoint(app)
