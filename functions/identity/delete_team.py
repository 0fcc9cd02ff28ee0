"""DELETE /v1/identity/teams/{team_id}"""

from uuid import UUID

from parley.identity import teams
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="teams:write")


@app.delete("/v1/identity/teams/<team_id>", status_code=204)
def delete_team(team_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        teams.remove(session, caller, team_id)


lambda_handler = entrypoint(app)
