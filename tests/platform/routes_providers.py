"""providers: a request for each route, and the ids that its paths take."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from parley.identity.models import AuthProvider, AuthProviderType
from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.identity.registered_users import Person
    from tests.platform.every_route import Request, SeededOrganization


def add_link(who: Member | Person) -> str:
    """A Google account of theirs."""
    user_id = who.user_id if hasattr(who, "user_id") else UUID(who.tokens["user"]["id"])
    link = AuthProvider(user_id=user_id, provider_type=AuthProviderType.GOOGLE, provider_id=new_id().hex)
    with transactions.personal(system(NOWHERE), user_id) as session:
        session.add(link)
    return str(link.id)


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    from tests.identity.providers.browser_client import CookieBrowser
    from tests.identity.providers.openid_provider import ProviderAccount, start_openid_provider
    from tests.identity.registered_users import PASSWORD, person

    site = start_openid_provider(os.environ["PUBLIC_URL"])
    member, stranger = house.member, house.stranger

    account = str(new_id())
    site.accounts[account] = ProviderAccount(claims={"email": f"{account}@people.test", "email_verified": True})

    def surfed(kind: str, steps: int, *, comes_back: bool = True) -> Request:
        """A log-in of somebody who has an account, `steps` requests before its end; the next one is returned."""
        browser = CookieBrowser(house.world, os.environ["PUBLIC_URL"], account)
        if comes_back:
            browser.follow(surfed(kind, steps, comes_back=False)())
            browser = CookieBrowser(house.world, os.environ["PUBLIC_URL"], account)
        answer = browser.step("GET", f"/v1/auth/providers/{kind}/start")
        for _ in range(3 - steps):
            where = browser.next(answer)
            assert where is not None
            answer = browser.step(*where)
        where = browser.next(answer)
        assert where is not None
        return lambda: browser.step(*where)

    def unlinking() -> Request:
        ada = person(house.world)
        link_id, _ = add_link(ada), add_link(ada)
        return lambda: ada.request("DELETE", f"/v1/auth/providers/linked/{link_id}", {"password": PASSWORD})

    def linking() -> Request:
        ada = person(house.world)
        return lambda: ada.post("/v1/auth/providers/google/link", {"password": PASSWORD})

    return {
        "GET /v1/auth/providers": lambda: lambda: stranger.get("/v1/auth/providers"),
        "GET /v1/auth/providers/{provider}/start": lambda: lambda: stranger.get("/v1/auth/providers/github/start"),
        "GET /v1/auth/providers/{provider}/callback": lambda: surfed("google", 2),
        "POST /v1/auth/providers/{provider}/callback": lambda: surfed("apple", 2),
        "GET /v1/auth/providers/{provider}/complete": lambda: surfed("google", 1),
        "POST /v1/auth/providers/{provider}/link": linking,
        "GET /v1/auth/providers/linked": lambda: lambda: member.get("/v1/auth/providers/linked", limit=100),
        "DELETE /v1/auth/providers/linked/{link_id}": unlinking,
    }


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    return {"link_id": add_link(member)}


def _add_links(house: SeededOrganization, count: int) -> None:
    for _ in range(count):
        add_link(house.member)


LISTS: dict[str, Callable[[SeededOrganization, int], None]] = {"GET /v1/auth/providers/linked": _add_links}
"""How a list gets longer."""

BODIES: dict[str, Any] = {}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""
