"""The provider's site, browsers of people who have accounts there, and what the database has of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from parley.identity.models import AuthProvider, User
from parley.identity.providers import provider_jwks
from parley.kernel.access.callers import NOWHERE, ActorType, Caller
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from tests.harness import World
from tests.identity.providers.browser_client import CookieBrowser
from tests.identity.providers.openid_provider import OpenIdProvider, ProviderAccount, start_openid_provider

NewBrowser = Callable[..., CookieBrowser]


@pytest.fixture
def site(world: World, monkeypatch: pytest.MonkeyPatch) -> OpenIdProvider:
    """The standing site, with its keys as they were, and nothing remembered of them."""
    site = start_openid_provider(os.environ["PUBLIC_URL"])
    monkeypatch.setattr(site, "rsa", site.rsa)
    monkeypatch.setattr(site, "ec", site.ec)
    monkeypatch.setattr(provider_jwks, "_sets", {})
    monkeypatch.setenv("OAUTH_PROVIDERS", site.settings())
    monkeypatch.setenv("WEB_ORIGINS", "https://app.parley.test,https://other.parley.test")
    return site


@pytest.fixture
def surf(world: World, site: OpenIdProvider) -> NewBrowser:
    """Makes a browser in which somebody is logged in at the provider."""

    def new(account: ProviderAccount | None = None) -> CookieBrowser:
        name = str(new_id())
        site.accounts[name] = account or verified()
        return CookieBrowser(world, os.environ["PUBLIC_URL"], name)

    return new


def address() -> str:
    return f"grace.{new_id().hex}@people.test"


def verified(email: str | None = None, **terms: object) -> ProviderAccount:
    """Somebody with a verified address at every kind of provider."""
    email = email or address()
    account = ProviderAccount(**terms)  # type: ignore[arg-type]  # named by the tests
    account.claims = {"email": email, "email_verified": True, "xms_edov": True, "name": "Grace Hopper"} | account.claims
    account.emails = account.emails or [
        {"email": f"other.{email}", "primary": False, "verified": True},
        {"email": email, "primary": True, "verified": True},
    ]
    return account


def personal_rows(user_id: UUID) -> tuple[User, list[AuthProvider]]:
    """The user and their links, as they themself see them."""
    with transactions.personal(Caller(NOWHERE, ActorType.USER, user_id)) as session:
        return session.scalars(select(User)).one(), list(session.scalars(select(AuthProvider).order_by(AuthProvider.id)))
