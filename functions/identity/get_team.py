"""GET /v1/identity/teams/{team_id}"""

from uuid import UUID

from parley.identity.members import teams
from parley.identity.members.schemas import TeamRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="teams:read")


@app.get("/v1/identity/teams/<team_id>")
def get_team(team_id: UUID, caller: AuthenticatedCaller) -> TeamRead:
    with transaction(caller) as session:
        return TeamRead.model_validate(teams.team(session, team_id))


lambda_handler = entrypoint(app)
