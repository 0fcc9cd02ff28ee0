"""POST /v1/identity/teams/{team_id}/members"""

from uuid import UUID

from parley.identity import teams
from parley.identity.member_schemas import TeamMemberCreate, TeamMemberRead
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint

app = api(needs="teams:write")


@app.post("/v1/identity/teams/<team_id>/members", status_code=201)
def add_team_member(team_id: UUID, wanted: TeamMemberCreate, caller: AuthenticatedCaller, once: RequestOnce) -> TeamMemberRead:
    with transaction(caller, once) as session:
        return once.answer(session, teams.add(session, caller, team_id, wanted))


lambda_handler = entrypoint(app)
