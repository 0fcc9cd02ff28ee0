"""PATCH /v1/identity/teams/{team_id}"""

from uuid import UUID

from parley.identity.members import teams
from parley.identity.members.schemas import TeamRead, TeamUpdate
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="teams:write")


@app.patch("/v1/identity/teams/<team_id>")
def update_team(team_id: UUID, wanted: TeamUpdate, caller: AuthenticatedCaller) -> TeamRead:
    with transaction(caller) as session:
        return TeamRead.model_validate(teams.change(session, caller, team_id, wanted))


lambda_handler = entrypoint(app)
