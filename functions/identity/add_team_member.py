"""POST /v1/identity/teams/{team_id}/members"""

from uuid import UUID

from parley.identity.members import teams
from parley.identity.members.schemas import TeamMemberCreate, TeamMemberRead
from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="teams:write")


@app.post("/v1/identity/teams/<team_id>/members", status_code=201)
def add_team_member(team_id: UUID, wanted: TeamMemberCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> TeamMemberRead:
    with transaction(caller, once) as session:
        return once.answer(session, teams.add(session, caller, team_id, wanted))


lambda_handler = entrypoint(app)
