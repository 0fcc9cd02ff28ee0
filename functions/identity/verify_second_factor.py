"""POST /v1/auth/login/second-factor"""

from aws_lambda_powertools.event_handler import Response

from parley.identity.log_in import authentication
from parley.identity.log_in.schemas import SecondStep
from parley.identity.sessions import session_cookies
from parley.identity.sessions.token_response import TokensRead
from parley.kernel.edge.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/login/second-factor", operation_id="answer_challenge")
def verify_second_factor(wanted: SecondStep, visitor: Visitor) -> Response[TokensRead]:
    started = authentication.answer_challenge(visitor, wanted.challenge.get_secret_value(), wanted.code.get_secret_value())
    return session_cookies.log_in_response(started, as_cookie=wanted.cookie, on_device=True)


lambda_handler = entrypoint(app)
