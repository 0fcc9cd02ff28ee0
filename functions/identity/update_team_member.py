"""PATCH /v1/identity/teams/{team_id}/members/{user_id}"""

from uuid import UUID

from parley.identity.members import teams
from parley.identity.members.schemas import RoleUpdate, TeamMemberRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="teams:write")


@app.patch("/v1/identity/teams/<team_id>/members/<user_id>")
def update_team_member(team_id: UUID, user_id: UUID, wanted: RoleUpdate, caller: AuthenticatedCaller) -> TeamMemberRead:
    with transaction(caller) as session:
        return teams.change_member(session, caller, team_id, user_id, wanted.role)


lambda_handler = entrypoint(app)
