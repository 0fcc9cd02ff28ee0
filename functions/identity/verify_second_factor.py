"""POST /v1/auth/login/second-factor"""

from aws_lambda_powertools.event_handler import Response

from parley.identity import browser, log_in
from parley.identity.answers import TokensRead
from parley.identity.log_in_schemas import SecondStep
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/login/second-factor", operation_id="answer_challenge")
def verify_second_factor(wanted: SecondStep, visitor: Visitor) -> Response[TokensRead]:
    started = log_in.answer_challenge(visitor, wanted.challenge.get_secret_value(), wanted.code.get_secret_value())
    return browser.signed_in(started, as_cookie=wanted.cookie, on_device=True)


lambda_handler = entrypoint(app)
