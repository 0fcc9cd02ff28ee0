"""How a browser ends a log-in through a provider: at the address that it wanted to return to, with what happened in the query."""

from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie

from parley.identity.providers import redirect_allowlist
from parley.kernel.values.errors import Refusal

_HTML = "text/html; charset=utf-8"


def redirect_response(status: int, location: str, *cookies: Cookie, **headers: str) -> Response[None]:
    """A redirect. No page that the address leads to is told where from: codes and states stay out of its log."""
    return Response(status, _HTML, None, headers={"location": location, "referrer-policy": "no-referrer", **headers}, cookies=list(cookies))


def refusal_response(refusal: Refusal, return_to: str | None, over: Cookie) -> Response[None]:
    """The browser is told by the page that it returns to; without one, the refusal itself is the answer. The attempt is over.

    The challenge of a second factor goes into the fragment, which no server is sent.
    """
    if return_to is not None:
        challenge = refusal.extensions.get("challenge")
        fragment = f"#{urlencode({'challenge': challenge})}" if challenge else ""
        return redirect_response(303, redirect_allowlist.with_query(return_to, error=refusal.code) + fragment, over)
    refusal.headers["set-cookie"] = str(over)
    raise refusal
