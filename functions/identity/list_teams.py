"""GET /v1/identity/teams"""

from parley.identity.members import teams
from parley.identity.members.schemas import TeamRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction

app = api(needs="teams:read")


@app.get("/v1/identity/teams")
def list_teams(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[TeamRead]:
    with transaction(caller) as session:
        return teams.teams(session, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
