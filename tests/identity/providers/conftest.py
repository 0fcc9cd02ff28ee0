"""The provider's site, browsers of people who have accounts there, and what the database has of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from parley.identity.models import AuthProvider, User
from parley.identity.providers import keysets
from parley.kernel import db
from parley.kernel.callers import NOWHERE, ActorType, Caller
from parley.kernel.ids import new_id
from tests.harness import World
from tests.identity.providers.site import Account, Site, standing
from tests.identity.providers.surfing import Browser

NewBrowser = Callable[..., Browser]


@pytest.fixture
def site(world: World, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The standing site, with its keys as they were, and nothing remembered of them."""
    site = standing(os.environ["PUBLIC_URL"])
    monkeypatch.setattr(site, "rsa", site.rsa)
    monkeypatch.setattr(site, "ec", site.ec)
    monkeypatch.setattr(keysets, "_sets", {})
    monkeypatch.setenv("OAUTH_PROVIDERS", site.settings())
    monkeypatch.setenv("WEB_ORIGINS", "https://app.parley.test,https://other.parley.test")
    return site


@pytest.fixture
def surf(world: World, site: Site) -> NewBrowser:
    """Makes a browser in which somebody is logged in at the provider."""

    def new(account: Account | None = None) -> Browser:
        name = str(new_id())
        site.accounts[name] = account or verified()
        return Browser(world, os.environ["PUBLIC_URL"], name)

    return new


def address() -> str:
    return f"grace.{new_id().hex}@people.test"


def verified(email: str | None = None, **terms: object) -> Account:
    """Somebody with a verified address at every kind of provider."""
    email = email or address()
    account = Account(**terms)  # type: ignore[arg-type]  # named by the tests
    account.claims = {"email": email, "email_verified": True, "xms_edov": True, "name": "Grace Hopper"} | account.claims
    account.emails = account.emails or [
        {"email": f"other.{email}", "primary": False, "verified": True},
        {"email": email, "primary": True, "verified": True},
    ]
    return account


def personal_rows(user_id: UUID) -> tuple[User, list[AuthProvider]]:
    """The user and their links, as they themself see them."""
    with db.personal(Caller(NOWHERE, ActorType.USER, user_id)) as session:
        return session.scalars(select(User)).one(), list(session.scalars(select(AuthProvider).order_by(AuthProvider.id)))
