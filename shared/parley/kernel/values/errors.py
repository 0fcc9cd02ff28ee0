"""Refusals: what the product says no with. A service raises one; `kernel.edge.http` answers it as RFC 9457.

Refusal
├── BadRequest 400
├── Unauthenticated 401
├── Forbidden 403
├── NotFound 404
├── MethodNotAllowed 405
├── Conflict 409
├── TooLarge 413
├── UnsupportedMediaType 415
├── Unprocessable 422
├── TooManyRequests 429
└── Unavailable 503

A subclass is named after the situation and stands next to the function that raises it: `SlotTaken` has the code `slot_taken`.
"""

import re
from typing import Any, ClassVar

_CHALLENGE = 'Bearer realm="parley"'


class Refusal(Exception):
    """A named no. `detail` says to a person what happened and what to do; clients switch on `code`."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refusal"
    title: ClassVar[str] = "Refused"

    def __init_subclass__(cls) -> None:
        words = re.findall(r"[A-Z][a-z0-9]*", cls.__name__)
        cls.code = "_".join(word.lower() for word in words)
        cls.title = " ".join(words).capitalize()

    def __init__(self, detail: str, **extensions: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extensions = extensions
        self.headers: dict[str, str] = {"www-authenticate": _CHALLENGE} if self.status == 401 else {}  # RFC 9110, 15.5.2

    def problem(self) -> dict[str, Any]:
        """The problem details object of RFC 9457."""
        details = {"type": "about:blank", "title": self.title, "status": self.status, "code": self.code, "detail": self.detail}
        return details | self.extensions


class BadRequest(Refusal):
    status = 400


class Unauthenticated(Refusal):
    status = 401


class CredentialRefused(Unauthenticated):
    """A token or key came with the request, and is none, or none any more: the challenge says so, and clients refresh (RFC 6750, 3.1)."""

    def __init__(self, detail: str, **extensions: Any) -> None:
        super().__init__(detail, **extensions)
        self.headers = {"www-authenticate": f'{_CHALLENGE}, error="invalid_token", error_description="{detail}"'}


class Forbidden(Refusal):
    status = 403


class NotFound(Refusal):
    """Absent, or another tenant's: the two are answered alike, byte for byte."""

    status = 404


class NoSuchRoute(NotFound):
    """Nothing answers at this address."""


class MethodNotAllowed(Refusal):
    status = 405


class Conflict(Refusal):
    status = 409


class TooLarge(Refusal):
    status = 413


class UnsupportedMediaType(Refusal):
    status = 415


class Unprocessable(Refusal):
    status = 422


class TooManyRequests(Refusal):
    status = 429


class Unavailable(Refusal):
    """Something that we depend on does not answer; the same request may succeed later."""

    status = 503

    def __init__(self, detail: str, retry_after_seconds: int = 2, **extensions: Any) -> None:
        super().__init__(detail, **extensions)
        self.headers = {"retry-after": str(retry_after_seconds)}


class AnswerLost(Exception):
    """No refusal: a call outside may have had its effect, and nobody heard whether it did.

    It names the failure's type: the failure's text may hold an address.
    """
