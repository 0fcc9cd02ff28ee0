"""DELETE /v1/identity/teams/{team_id}"""

from uuid import UUID

from parley.identity.members import teams
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="teams:write")


@app.delete("/v1/identity/teams/<team_id>", status_code=204)
def delete_team(team_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        teams.remove(session, caller, team_id)


lambda_handler = entrypoint(app)
