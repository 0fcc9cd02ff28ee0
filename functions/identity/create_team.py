"""POST /v1/identity/teams"""

from parley.identity import teams
from parley.identity.member_schemas import TeamCreate, TeamRead
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint

app = api(needs="teams:write")


@app.post("/v1/identity/teams", status_code=201)
def create_team(wanted: TeamCreate, caller: AuthenticatedCaller, once: RequestOnce) -> TeamRead:
    with transaction(caller, once) as session:
        return once.answer(session, TeamRead.model_validate(teams.create(session, caller, wanted)))


lambda_handler = entrypoint(app)
