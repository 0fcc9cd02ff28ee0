"""GET /v1/identity/teams"""

from parley.identity import teams
from parley.identity.member_schemas import TeamRead
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page

app = api(needs="teams:read")


@app.get("/v1/identity/teams")
def list_teams(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[TeamRead]:
    with transaction(caller) as session:
        return teams.teams(session, caller, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
