"""The second factor: enrolled, asked for at every way in, good once."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch
from uuid import UUID

import pyotp
import pytest
from sqlalchemy import select

from local.client import Answer
from parley.identity.accounts import second_factor
from parley.identity.models import RecoveryCode, User, UserTotp
from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.persistence import transactions
from tests.harness import World
from tests.identity.registered_users import PASSWORD, Person, ProgramClient, person, received_mails

STEP = 30


class Authenticator:
    """Shows codes of steps from now on, each once, within what the server's clock allows."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)
        self._shown = 0

    def code(self) -> str:
        self._shown += 1
        return self.of_step(self._shown - 2)

    def of_step(self, offset: int) -> str:
        return str(self._totp.at(int(time.time()) + offset * STEP))


def enrolled(world: World) -> tuple[Person, Authenticator, list[str]]:
    ada = person(world)
    begun = ada.post("/v1/auth/totp", {"password": PASSWORD})
    assert begun.status == 201
    assert begun.body["otpauth_uri"].startswith("otpauth://totp/Parley:")
    app = Authenticator(begun.body["secret"])
    confirmed = ada.post("/v1/auth/totp/confirm", {"code": app.code()})
    assert confirmed.status == 200, confirmed.raw
    return ada, app, confirmed.body["recovery_codes"]


def challenge_of(answer: Answer) -> str:
    assert (answer.status, answer.body["code"]) == (401, "second_factor_required"), answer.raw
    assert "access_token" not in answer.body
    return str(answer.body["challenge"])


def second(world: World, challenge: str, code: str) -> Answer:
    return ProgramClient(world).post("/v1/auth/login/second-factor", {"challenge": challenge, "code": code})


def test_logging_in_takes_both_factors(world: World) -> None:
    ada, app, codes = enrolled(world)
    assert len(set(codes)) == 10
    challenge = challenge_of(ada.log_in())
    wrong = second(world, challenge, "000000")
    assert (wrong.status, wrong.body["code"]) == (401, "invalid_code")
    code = app.code()
    answer = second(world, challenge, code)
    assert answer.status == 200
    ada.takes(answer)
    assert ada.get("/v1/auth/sessions").body["items"][0]["methods"] == ["pwd", "otp", "mfa"]
    assert second(world, challenge, app.code()).body["code"] == "challenge_not_valid"
    assert second(world, challenge_of(ada.log_in()), code).body["code"] == "invalid_code"


def test_a_code_opens_once_however_many_send_it(world: World) -> None:
    ada, app, codes = enrolled(world)
    challenges = [challenge_of(ada.log_in()) for _ in range(4)]
    code = app.code()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda challenge: second(world, challenge, code), challenges))
    assert Counter(answer.status for answer in answers)[200] == 1
    with ThreadPoolExecutor(3) as pool:
        left = [challenge for challenge, answer in zip(challenges, answers, strict=True) if answer.status != 200]
        answers = list(pool.map(lambda challenge: second(world, challenge, codes[0].upper()), left))
    assert Counter(answer.status for answer in answers)[200] == 1


def test_codes_far_from_now_are_not_taken(world: World) -> None:
    ada, app, _ = enrolled(world)
    challenge = challenge_of(ada.log_in())
    assert [second(world, challenge, app.of_step(offset)).status for offset in (-2, 3)] == [401, 401]


def test_guessing_codes_slows_down(world: World) -> None:
    ada, app, _ = enrolled(world)
    challenge = challenge_of(ada.log_in())
    statuses = [second(world, challenge, f"{n:06}").status for n in range(6)]
    assert statuses == [401] * 5 + [429]
    assert int(second(world, challenge, app.code()).headers["retry-after"]) >= 1


def test_a_challenge_belongs_to_its_user_and_ends_with_the_password(world: World) -> None:
    ada, app, _ = enrolled(world)
    challenge = challenge_of(ada.log_in())
    assert second(world, challenge[:-1] + "x", app.of_step(0)).body["code"] == "challenge_not_valid"
    assert second(world, ada.refresh_token, app.of_step(0)).body["code"] == "challenge_not_valid"
    wanted = {"current_password": PASSWORD, "new_password": "three rivers, no bridge"}
    assert ada.request("PUT", "/v1/auth/password", wanted).status == 204
    assert second(world, challenge, app.code()).body["code"] == "challenge_not_valid"


def test_a_magic_link_asks_for_the_second_factor_too(world: World) -> None:
    ada, app, _ = enrolled(world)
    ProgramClient(world).post("/v1/auth/magic-link", {"email": ada.email})
    answer = ProgramClient(world).post("/v1/auth/magic-link/redeem", {"token": received_mails(world, ada.email)[-1].token})
    assert second(world, challenge_of(answer), app.code()).status == 200


def test_recovery_codes_are_renewed_and_the_factor_turned_off_with_proof(world: World) -> None:
    ada, app, codes = enrolled(world)
    assert ada.post("/v1/auth/totp", {"password": PASSWORD}).body["code"] == "second_factor_on"
    assert ada.post("/v1/auth/recovery-codes", {}).body["code"] == "wrong_password"
    renewed = ada.post("/v1/auth/recovery-codes", {"password": PASSWORD}).body["recovery_codes"]
    assert not set(renewed) & set(codes)
    assert second(world, challenge_of(ada.log_in()), codes[0]).body["code"] == "invalid_code"
    assert second(world, challenge_of(ada.log_in()), renewed[0].replace("-", " ")).status == 200
    assert ada.request("DELETE", "/v1/auth/totp", {"password": "not my password"}).body["code"] == "wrong_password"
    assert ada.request("DELETE", "/v1/auth/totp", {"code": app.code()}).status == 204
    assert ada.log_in().status == 200
    assert ada.request("DELETE", "/v1/auth/totp", {"password": PASSWORD}).body["code"] == "no_second_factor"


def test_an_enrolment_that_was_not_confirmed_asks_for_nothing(world: World) -> None:
    ada = person(world)
    first = ada.post("/v1/auth/totp", {"password": PASSWORD}).body["secret"]
    again = ada.post("/v1/auth/totp", {"password": PASSWORD}).body["secret"]
    assert first != again
    assert ada.post("/v1/auth/totp/confirm", {"code": pyotp.TOTP(first).now()}).status == 401
    assert ada.log_in().status == 200


@pytest.mark.parametrize("form", ["{} {}", "{}-{}", " {}{} "])
def test_a_code_is_read_alike_at_enrolment_and_at_log_in(world: World, form: str) -> None:
    ada = person(world)
    app = Authenticator(ada.post("/v1/auth/totp", {"password": PASSWORD}).body["secret"])

    def typed() -> str:
        code = app.code()
        return form.format(code[:3], code[3:])

    assert ada.post("/v1/auth/totp/confirm", {"code": typed()}).status == 200
    assert second(world, challenge_of(ada.log_in()), typed()).status == 200


def test_who_begins_twice_at_once_has_the_later_secret(world: World) -> None:
    ada = person(world)
    user_id, answers = UUID(ada.tokens["user"]["id"]), []
    with ThreadPoolExecutor(1) as pool:
        with transactions.personal(system(NOWHERE), user_id) as session:
            second_factor.begin(session, session.scalars(select(User).where(User.id == user_id)).one())
            session.flush()
            other = pool.submit(ada.post, "/v1/auth/totp", {"password": PASSWORD})
            with pytest.raises(TimeoutError):
                answers.append(other.result(0.5))
        answer = other.result()
    assert answer.status == 201, answer.raw
    assert ada.post("/v1/auth/totp/confirm", {"code": pyotp.TOTP(answer.body["secret"]).now()}).status == 200


def test_what_is_kept_shows_no_secret(world: World) -> None:
    ada, app, codes = enrolled(world)
    user_id = ada.tokens["user"]["id"]
    with transactions.personal(system(NOWHERE), user_id) as session:
        totp = session.scalars(select(UserTotp)).one()
        kept = session.scalars(select(RecoveryCode.code_hash)).all()
    assert app._totp.secret.encode() not in totp.secret.token  # type: ignore[union-attr]
    assert repr(totp.secret) == "Sealed(***)"
    assert not {code.replace("-", "") for code in codes} & set(kept)
    with patch("time.time", return_value=time.time() + 2 * STEP):
        assert second(world, challenge_of(ada.log_in()), app.of_step(0)).status == 200
