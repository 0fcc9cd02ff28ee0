"""POST /v1/auth/register"""

from parley.identity.log_in.schemas import Accepted, Registration
from parley.identity.self_service import registration
from parley.kernel.edge.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/register", status_code=202)
def register(wanted: Registration, visitor: Visitor) -> Accepted:
    password = wanted.password.get_secret_value() if wanted.password else None
    registration.register(visitor, email=wanted.email, password=password, name=wanted.name)
    return Accepted(detail="A mail is on its way to this address; open the link in it to go on.")


lambda_handler = entrypoint(app)
