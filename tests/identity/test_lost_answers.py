"""A refresh whose answer was never given is no theft, and nobody waits longer for having asked again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from parley.identity.models import RefreshToken
from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.persistence import transactions
from tests.harness import World
from tests.identity.registered_users import person
from tests.identity.test_sessions import live_tokens, refresh
from tests.kernel.postgres_proxy import PostgresProxy, wired

COMMIT = b"commit\0"


@pytest.fixture
def wire(world: World) -> Iterator[PostgresProxy]:
    with wired() as made:
        yield made


def age(user_id: str, by: timedelta) -> None:
    """That much later, as far as the links of the chain can tell."""
    with transactions.personal(system(NOWHERE), user_id) as session:  # type: ignore[arg-type]
        earlier = {name: getattr(RefreshToken, name) - by for name in ("created_at", "replaced_at")}
        session.execute(update(RefreshToken).values(earlier), execution_options={"synchronize_session": False})


@pytest.mark.parametrize("nth", [1, 2])
def test_a_commit_that_is_not_answered_changes_nothing_for_who_refreshes(world: World, wire: PostgresProxy, nth: int) -> None:
    ada = person(world)
    token, user_id = ada.refresh_token, ada.tokens["user"]["id"]
    wire.loses, wire.passes = [COMMIT], nth - 1
    ada.takes(refresh(world, token))
    assert wire.loses == []
    assert live_tokens(user_id) == 1
    ada.takes(refresh(world, ada.refresh_token))
    assert refresh(world, token).body["code"] == "refresh_token_reused"


@pytest.mark.parametrize("passes", [0, 1])
def test_a_database_that_goes_away_at_a_commit_makes_nobody_a_thief(world: World, wire: PostgresProxy, passes: int) -> None:
    """Neither the commit that uses the token up nor the one that lets the answer go is answered, and then nothing is for a while."""
    ada = person(world)
    token, user_id = ada.refresh_token, ada.tokens["user"]["id"]
    wire.loses, wire.passes, wire.is_cut_by_loss = [COMMIT], passes, True
    answer = refresh(world, token)
    wire.is_cut = False
    if passes:  # the answer was ready, and leaves
        ada.takes(answer)
    else:
        assert (answer.status, answer.body["code"]) == (503, "unavailable")
        assert refresh(world, token).body["code"] == "refresh_token_replaced"
        age(user_id, timedelta(seconds=31))
        ada.takes(refresh(world, token))
    ada.takes(refresh(world, ada.refresh_token))
    assert live_tokens(user_id) == 1
    assert ada.get("/v1/identity/me").status == 200


def test_who_asks_again_and_again_is_let_in_half_a_minute_after_the_first_use(world: World) -> None:
    ada = person(world)
    token, user_id = ada.refresh_token, ada.tokens["user"]["id"]
    with wired() as wire:
        wire.loses, wire.is_cut_by_loss = [COMMIT], True
        assert refresh(world, token).status == 503
    for _ in range(7):
        assert refresh(world, token).body["code"] == "refresh_token_replaced"
        with transactions.personal(system(NOWHERE), user_id) as session:  # four seconds later
            successor = RefreshToken.replaced_at.is_(None)
            session.execute(update(RefreshToken).where(successor).values(created_at=RefreshToken.created_at - timedelta(seconds=4.4)))
    ada.takes(refresh(world, token))
    assert live_tokens(user_id) == 1


def test_an_answer_that_can_not_be_made_takes_the_token_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = person(world)
    token, user_id = ada.refresh_token, ada.tokens["user"]["id"]
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")  # nobody signs
        for _ in range(2):
            assert refresh(world, token).status == 503
    assert live_tokens(user_id) == 1
    ada.takes(refresh(world, token))
    assert refresh(world, token).body["code"] == "refresh_token_reused"
