"""A person from the registration on, over HTTP, against real execution environments; and twenty at once with one token."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from functools import partial
from typing import Any

from local.client import Client
from local.demo import wait_for
from tests.stack.conftest import ServedStack
from tests.stack.load_scenarios import at_once

PASSWORD = "a window over the harbour 7"
TWENTY = 20


def token_in_mail(served: ServedStack, email: str) -> str:
    def mail_token() -> str | None:
        for mail in served.stack.mails():
            if email in mail["to"] and (link := re.search(r"/links/([\w-]{43})", mail["raw"])):
                return link[1]
        return None

    return wait_for("the mail", mail_token)


def registered(served: ServedStack) -> dict[str, Any]:
    email = f"{uuid.uuid4().hex}@people.example"
    assert served.stranger.post("/v1/auth/register", {"email": email}).status == 202
    answer = served.stranger.post("/v1/auth/verify-email", {"token": token_in_mail(served, email), "password": PASSWORD})
    assert answer.status == 200, answer.raw
    return dict(answer.body)


def test_twenty_refreshes_of_one_token_leave_one_live_family_and_reuse_ends_it(served: ServedStack) -> None:
    tokens = registered(served)
    refresh = partial(served.stranger.post, "/v1/auth/refresh")
    answers = at_once([partial(refresh, {"refresh_token": tokens["refresh_token"]})] * TWENTY)
    assert Counter(answer.status for answer in answers) == {200: 1, 401: TWENTY - 1}
    assert {answer.body["code"] for answer in answers if answer.status == 401} == {"refresh_token_replaced"}
    (won,) = [answer.body for answer in answers if answer.status == 200]
    client = Client(served.stranger.address, won["access_token"])
    assert [item["is_current"] for item in client.get("/v1/auth/sessions").body["items"]] == [True]
    following = refresh({"refresh_token": won["refresh_token"]})
    assert following.status == 200
    assert refresh({"refresh_token": won["refresh_token"]}).body["code"] == "refresh_token_reused"
    assert refresh({"refresh_token": following.body["refresh_token"]}).body["code"] == "session_ended"
    assert client.get("/v1/auth/sessions").status == 401
