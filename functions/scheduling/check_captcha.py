"""Called by functions that book for strangers: asks the captcha's provider about a token. It lies in no network and knows no database."""

import json
from typing import Any
from urllib.parse import urlencode

from parley.kernel.outbound import http_client
from parley.kernel.values.settings import setting

VERIFY = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
    "recaptcha": "https://www.google.com/recaptcha/api/siteverify",
}
_FORM = {"content-type": "application/x-www-form-urlencoded"}


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    url = setting("CAPTCHA_VERIFY_URL", VERIFY.get(setting("CAPTCHA_PROVIDER", "none"), ""))
    fields = {"secret": setting("CAPTCHA_SECRET"), "response": event["token"], "remoteip": event.get("address") or ""}
    try:
        answer = http_client.request("POST", url, _FORM, urlencode(fields).encode(), seconds=4.0, most_bytes=16 * 1024)
        result = json.loads(answer.body) if answer.status == 200 else None
    except (http_client.RequestFailed, ValueError, RecursionError):
        result = None
    success = result.get("success") if isinstance(result, dict) else None
    return {"is_good": success if isinstance(success, bool) else None}
