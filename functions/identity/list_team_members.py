"""GET /v1/identity/teams/{team_id}/members"""

from uuid import UUID

from parley.identity.members import teams
from parley.identity.members.schemas import TeamMemberRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction

app = api(needs="teams:read")


@app.get("/v1/identity/teams/<team_id>/members")
def list_team_members(team_id: UUID, caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[TeamMemberRead]:
    with transaction(caller) as session:
        return teams.team_members(session, team_id, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
