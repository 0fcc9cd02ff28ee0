"""A session begins, and the tokens it gives are taken by every route."""

from __future__ import annotations

from sqlalchemy import select

from local.client import Answer
from parley.identity.models import User
from parley.identity.sessions import log_in_sessions, session_revocation, token_response
from parley.kernel.access.callers import NOWHERE, ActorType, Caller
from parley.kernel.persistence import transactions
from tests.harness import Client, Member, World

VISITOR = Caller(NOWHERE, ActorType.VISITOR, ip_address="192.0.2.1", user_agent="test")


def start(member: Member) -> token_response.TokensRead:
    with transactions.personal(VISITOR, member.user_id) as session:
        user = session.scalars(select(User).where(User.id == member.user_id)).one()
        started = log_in_sessions.start(session, VISITOR, user, ["pwd"])
    return token_response.issue_tokens(started)


def me(world: World, tokens: token_response.TokensRead) -> Answer:
    return Client(world, tokens.access_token).get("/v1/identity/me")


def test_tokens_of_a_session_open_what_their_user_may(world: World, acme: Member) -> None:
    tokens = start(acme)
    assert tokens.organization is not None
    assert (tokens.organization.id, tokens.organization.role) == (acme.organization_id, "OWNER")
    assert tokens.refresh_token is not None
    assert tokens.refresh_token not in repr(log_in_sessions.LogInSession)
    assert me(world, tokens).status == 200


def test_revoking_ends_a_session_at_once(world: World, acme: Member) -> None:
    session_tokens, other = start(acme), start(acme)
    with transactions.transaction(acme.caller) as session:
        session_revocation.revoke_in_organization(session, acme.user_id, because="test")
    refused = me(world, session_tokens)
    assert (refused.status, refused.body["code"]) == (401, "session_ended")
    third = start(acme)
    with transactions.personal(VISITOR, acme.user_id) as session:
        session_revocation.revoke_all(session, acme.user_id, because="test")
    assert [me(world, tokens).status for tokens in (other, third)] == [401, 401]
