"""A captcha before a stranger's booking, where the deployment has one: Turnstile, hCaptcha, reCAPTCHA, or who else speaks `siteverify`.

Sources: Cloudflare, "Validate the token"; hCaptcha, "Verify the User Response Server Side"; Google, "Verifying the user's response".
"""

import json
from dataclasses import dataclass

from parley.kernel.access.callers import Caller
from parley.kernel.aws import aws_requests
from parley.kernel.values.errors import Refusal, Unavailable, Unprocessable
from parley.kernel.values.settings import setting

SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class CaptchaWidget:
    """What a page shows: the script of the provider, the class that it looks for, the field that it fills in, and its origins."""

    script: str
    name: str
    origins: str
    site_key: str = ""

    @property
    def field(self) -> str:
        return f"{self.name}-response"


WIDGETS = {
    "turnstile": CaptchaWidget(
        "https://challenges.cloudflare.com/turnstile/v0/api.js", "cf-turnstile", "https://challenges.cloudflare.com"
    ),
    "hcaptcha": CaptchaWidget("https://js.hcaptcha.com/1/api.js", "h-captcha", "https://hcaptcha.com https://*.hcaptcha.com"),
    "recaptcha": CaptchaWidget("https://www.google.com/recaptcha/api.js", "g-recaptcha", "https://www.google.com https://www.gstatic.com"),
}


class CaptchaNeeded(Unprocessable):
    """Without a fresh token of the captcha, nothing is booked."""

    def __init__(self) -> None:
        super().__init__("Solve the captcha, and send its token along as `captcha_token`; each is good once.")


class CaptchaAway(Unavailable):
    """Nobody could be asked about the token, and the deployment wants it known."""


def widget() -> CaptchaWidget | None:
    """None without a captcha."""
    captcha_widget = WIDGETS.get(setting("CAPTCHA_PROVIDER", "none"))
    return (
        CaptchaWidget(captcha_widget.script, captcha_widget.name, captcha_widget.origins, setting("CAPTCHA_SITE_KEY", ""))
        if captcha_widget
        else None
    )


def captcha_refusal(visitor: Caller, token: str | None) -> Refusal | None:
    """Why this visitor may not book, to be raised where it is known that the request is no repetition: a token is good once.

    Where nobody can be asked, the visitor proves the address instead (`address_proofs`), or is refused, as `CAPTCHA_FAILS` says.
    """
    if widget() is None:
        return None
    is_good = _answered(visitor, token) if token else False
    if is_good is None and setting("CAPTCHA_FAILS", "open") == "closed":
        return CaptchaAway("The captcha can't be checked just now; try again in a moment.")
    if is_good is None and visitor.dues is not None:
        visitor.dues.is_more_than_usual = True
    return CaptchaNeeded() if is_good is False else None


def require_captcha(refused: Refusal | None) -> None:
    """Raises it."""
    if refused is not None:
        raise refused


def _answered(visitor: Caller, token: str) -> bool | None:
    """What the provider says, asked by the function outside of the network; None where it says nothing."""
    question = json.dumps({"token": token, "address": visitor.ip_address}).encode()
    try:
        answer = json.loads(aws_requests.invoke(setting("CHECK_CAPTCHA_FUNCTION"), question, seconds=SECONDS + 1))
    except (OSError, ValueError, aws_requests.CallFailed):
        return None
    is_good = answer.get("is_good")
    return is_good if isinstance(is_good, bool) else None
