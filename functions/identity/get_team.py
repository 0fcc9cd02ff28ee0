"""GET /v1/identity/teams/{team_id}"""

from uuid import UUID

from parley.identity import teams
from parley.identity.member_schemas import TeamRead
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="teams:read")


@app.get("/v1/identity/teams/<team_id>")
def get_team(team_id: UUID, caller: AuthenticatedCaller) -> TeamRead:
    with transaction(caller) as session:
        return TeamRead.model_validate(teams.team(session, caller, team_id))


lambda_handler = entrypoint(app)
