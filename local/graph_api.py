"""The part of Meta's Graph API that tells whose a WhatsApp number is, on a loopback port: each number is known by one token of its own.

`make number` prints a number with its token.
"""

from __future__ import annotations

import hashlib
import json
import secrets

from local.http_api import Request, Response
from local.server import Server


def token(phone_number_id: str) -> str:
    """The access token by which the emulated platform shows a number."""
    return "EAA" + hashlib.sha256(f"emulated platform {phone_number_id}".encode()).hexdigest()


class GraphApi(Server):
    """Answers as the platform does: 200 with the number to its token, 401 to another."""

    def __init__(self, port: int) -> None:
        super().__init__(port, self._answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _answer(self, request: Request) -> Response:
        number = request.path.strip("/")
        if request.header("authorization") == f"Bearer {token(number)}":
            return _json(200, {"id": number})
        problem = {"message": "Invalid OAuth access token.", "type": "OAuthException", "code": 190, "fbtrace_id": "A1b2C3"}
        return _json(401, {"error": problem})


def _json(status: int, body: object) -> Response:
    return Response(status, (("content-type", "application/json"),), json.dumps(body).encode())


def main() -> None:
    number = str(secrets.randbelow(10**15) + 10**15)
    print(json.dumps({"phone_number_id": number, "access_token": token(number)}))


if __name__ == "__main__":
    main()
