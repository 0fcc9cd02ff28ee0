"""PUT /v1/auth/password"""

from parley.identity.log_in.schemas import PasswordChange
from parley.identity.self_service import own_account
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.put("/v1/auth/password", status_code=204)
def change_password(wanted: PasswordChange, caller: AuthenticatedCaller) -> None:
    own_account.change_password(caller, wanted.current_password.get_secret_value(), wanted.new_password.get_secret_value())


lambda_handler = entrypoint(app)
