"""PATCH /v1/identity/teams/{team_id}"""

from uuid import UUID

from parley.identity import teams
from parley.identity.member_schemas import TeamRead, TeamUpdate
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="teams:write")


@app.patch("/v1/identity/teams/<team_id>")
def update_team(team_id: UUID, wanted: TeamUpdate, caller: AuthenticatedCaller) -> TeamRead:
    with transaction(caller) as session:
        return TeamRead.model_validate(teams.change(session, caller, team_id, wanted))


lambda_handler = entrypoint(app)
