"""POST /v1/identity/teams"""

from parley.identity.members import teams
from parley.identity.members.schemas import TeamCreate, TeamRead
from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="teams:write", location="/v1/identity/teams/{id}")


@app.post("/v1/identity/teams", status_code=201)
def create_team(wanted: TeamCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> TeamRead:
    with transaction(caller, once) as session:
        return once.answer(session, TeamRead.model_validate(teams.create(session, caller, wanted)))


lambda_handler = entrypoint(app)
