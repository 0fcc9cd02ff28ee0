"""GET /.well-known/jwks.json: the public keys of access tokens (RFC 7517)."""

import json

from aws_lambda_powertools.event_handler import Response

from parley.kernel.edge.http import Access, api, entrypoint
from parley.kernel.values.settings import setting

app = api(needs=Access.ANYBODY, unlimited_because="It is a constant, and asks nothing; whoever verifies tokens needs it.")
SECONDS = 300


@app.get("/.well-known/jwks.json")
def get_token_keys() -> Response[dict[str, list[dict[str, str]]]]:
    keys = json.loads(setting("TOKEN_JWKS"))
    return Response(200, "application/json", keys, headers={"cache-control": f"public, max-age={SECONDS}"})


lambda_handler = entrypoint(app)
