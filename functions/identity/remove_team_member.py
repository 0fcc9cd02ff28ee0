"""DELETE /v1/identity/teams/{team_id}/members/{user_id}"""

from uuid import UUID

from parley.identity.members import teams
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="teams:write")


@app.delete("/v1/identity/teams/<team_id>/members/<user_id>", status_code=204)
def remove_team_member(team_id: UUID, user_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        teams.take_out(session, caller, team_id, user_id)


lambda_handler = entrypoint(app)
