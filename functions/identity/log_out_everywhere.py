"""POST /v1/auth/logout-everywhere"""

from aws_lambda_powertools.event_handler import Response

from parley.identity import browser, leaving
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/logout-everywhere", status_code=204)
def log_out_everywhere(caller: AuthenticatedCaller) -> Response[None]:
    leaving.everywhere(caller)
    return browser.signed_out()


lambda_handler = entrypoint(app)
