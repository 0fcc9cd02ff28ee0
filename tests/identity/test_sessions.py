"""Sessions: refreshed, listed, revoked, moved to another organization; in a browser and in a program."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text, update

from local.client import Answer
from parley.identity.accounts import user_accounts
from parley.identity.models import MemberRole, OrganizationMember, RefreshToken, UserSession
from parley.identity.sessions import refresh_tokens, session_cookies
from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from tests.harness import Client, Member, World
from tests.identity.registered_users import PASSWORD, Person, ProgramClient, person

SITE = {"sec-fetch-site": "same-origin"}


def refresh(world: World, token: str) -> Answer:
    return ProgramClient(world).post("/v1/auth/refresh", {"refresh_token": token})


def live_tokens(user_id: str) -> int:
    """Links of chains that would still be taken."""
    with transactions.personal(system(NOWHERE), user_id) as session:  # type: ignore[arg-type]
        living = (
            select(RefreshToken)
            .join(UserSession, UserSession.id == RefreshToken.family_id)
            .where(RefreshToken.replaced_at.is_(None), RefreshToken.revoked_at.is_(None), UserSession.revoked_at.is_(None))
        )
        return len(session.scalars(living).all())


def cookie_of(answer: Answer) -> str:
    assert answer.headers["set-cookie"].startswith(f"{session_cookies.COOKIE}=")
    return answer.headers["set-cookie"].partition("=")[2].partition(";")[0]


def join(member: Member, who: Person, role: MemberRole = MemberRole.MEMBER) -> None:
    with transactions.transaction(member.caller) as session:
        session.add(OrganizationMember(user_id=who.tokens["user"]["id"], role=role))


def test_a_refresh_token_is_good_once(world: World) -> None:
    ada = person(world)
    first = ada.refresh_token
    ada.takes(refresh(world, first))
    assert ada.refresh_token != first
    assert ada.get("/v1/identity/me").status == 200
    assert live_tokens(ada.tokens["user"]["id"]) == 1


def test_a_token_that_comes_again_ends_the_session(world: World) -> None:
    ada = person(world)
    stolen, user_id = ada.refresh_token, ada.tokens["user"]["id"]
    ada.takes(refresh(world, stolen))
    reused = refresh(world, stolen)
    assert (reused.status, reused.body["code"]) == (401, "refresh_token_reused")
    after = refresh(world, ada.refresh_token)
    assert (after.status, after.body["code"]) == (401, "session_ended")
    assert ada.get("/v1/identity/me").body["code"] == "session_ended"
    assert live_tokens(user_id) == 0
    with transactions.transaction(system(NOWHERE)) as session:
        suspicious = select(AuditLog.details).where(AuditLog.actor_id == user_id, AuditLog.action == "security.suspicious_activity_seen")
        assert session.scalars(suspicious).all() == [{"reason": "refresh_token_reused"}]


def test_twenty_refreshes_at_once_leave_one_live_family(world: World) -> None:
    for _ in range(3):
        ada = person(world)
        token, browsers = ada.refresh_token, [ProgramClient(world) for _ in range(20)]
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(ProgramClient.post, browsers, ["/v1/auth/refresh"] * 20, [{"refresh_token": token}] * 20))
        assert Counter(answer.status for answer in answers) == {200: 1, 401: 19}
        assert {answer.body["code"] for answer in answers if answer.status == 401} == {"refresh_token_replaced"}
        assert live_tokens(ada.tokens["user"]["id"]) == 1
        ada.takes(next(answer for answer in answers if answer.status == 200))
        assert ada.get("/v1/identity/me").status == 200
        assert refresh(world, token).body["code"] == "refresh_token_reused"


def test_a_reuse_and_a_refresh_at_once_wait_for_each_other(world: World) -> None:
    ada = person(world)
    old, user_id = ada.refresh_token, ada.tokens["user"]["id"]
    ada.takes(refresh(world, old))
    with ThreadPoolExecutor(2) as pool:
        with transactions.personal(system(NOWHERE), user_id) as session:
            session.execute(select(UserSession.id).with_for_update())  # until both have come as far as they come
            running = []
            for token in (old, ada.refresh_token):
                running.append(pool.submit(refresh, world, token))
                time.sleep(0.5)
        answers = [(future.result().status, future.result().body["code"]) for future in running]
    assert answers == [(401, "refresh_token_reused"), (401, "session_ended")]


def test_an_answer_that_never_left_leaves_the_token_good(world: World) -> None:
    ada = person(world)
    token, user_id = ada.refresh_token, ada.tokens["user"]["id"]
    lost = refresh_tokens.rotate(system(NOWHERE), token, now())  # and its function dies
    assert refresh(world, token).body["code"] == "refresh_token_replaced"
    with transactions.personal(system(NOWHERE), user_id) as session:
        used = RefreshToken.replaced_at.is_not(None)
        session.execute(update(RefreshToken).where(used).values(replaced_at=now() - timedelta(seconds=31)))
    ada.takes(refresh(world, token))
    assert live_tokens(user_id) == 1
    assert refresh(world, lost.started.refresh_token or "").body["code"] == "invalid_refresh_token"
    assert refresh(world, token).body["code"] == "refresh_token_reused"


def test_the_successor_is_in_nobodys_hands_while_reuse_is_forgiven(world: World) -> None:
    ada = person(world)
    began = time.monotonic()
    assert refresh(world, ada.refresh_token).status == 200
    assert time.monotonic() - began >= refresh_tokens.POLLS_ALONE * refresh_tokens.POLL_INTERVAL.total_seconds()


def test_who_keeps_showing_a_token_gets_nothing_and_holds_the_answer_back_for_a_while_only(world: World) -> None:
    ada = person(world)
    token, began = ada.refresh_token, time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(refresh, world, token)
        shown = []
        while not first.done():
            shown.append(refresh(world, token))
            time.sleep(0.05)
    limit = (refresh_tokens.LONGEST + 2 * refresh_tokens.POLLS_CONTENDED * refresh_tokens.POLL_INTERVAL).total_seconds()
    assert time.monotonic() - began < 2 * limit
    winners = [answer for answer in [first.result(), *shown] if answer.status == 200]
    assert len(winners) == 1
    assert {answer.body["code"] for answer in shown if answer.status != 200} <= {
        "refresh_token_replaced",
        "refresh_token_reused",
        "session_ended",
    }


def test_a_gateway_without_a_clock_of_milliseconds_forgives_nothing() -> None:
    assert abs(refresh_tokens.received_at({"requestContext": {"timeEpoch": int(time.time())}}) - now()) < timedelta(seconds=1)
    assert abs(refresh_tokens.received_at({}) - now()) < timedelta(seconds=1)


def test_what_is_no_refresh_token_is_refused(world: World) -> None:
    ada = person(world)
    token = ada.refresh_token
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    for bad in ("x", "prt_" + "x" * 65, forged, ada.token or "", "prt_" + "é" * 65):
        answer = refresh(world, bad[:200])
        assert (answer.status, answer.body["code"]) == (401, "invalid_refresh_token"), bad
    assert ProgramClient(world).post("/v1/auth/refresh", {}).body["code"] == "no_refresh_token"
    assert refresh(world, token).status == 200


def test_an_expired_refresh_token_is_over(world: World) -> None:
    ada = person(world)
    with transactions.personal(system(NOWHERE), ada.tokens["user"]["id"]) as session:
        session.execute(update(RefreshToken).values(expires_at=now() - timedelta(seconds=1)))
    assert refresh(world, ada.refresh_token).body["code"] == "session_ended"


def test_a_browser_keeps_the_refresh_token_in_a_cookie_no_script_can_read(world: World) -> None:
    ada = person(world)
    answer = ada.log_in(cookie=True)
    assert (answer.status, answer.body["refresh_token"]) == (200, None)
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/v1/auth", "Max-Age=604800"))
    tab = ProgramClient(world, cookie=cookie_of(answer))
    refreshed = tab.post("/v1/auth/refresh", headers=SITE)
    assert (refreshed.status, refreshed.body["refresh_token"]) == (200, None)
    assert cookie_of(refreshed) != tab.cookie
    tab.cookie = cookie_of(refreshed)
    out = tab.post("/v1/auth/logout", headers=SITE)
    assert (out.status, cookie_of(out)) == (204, "")
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert tab.post("/v1/auth/refresh", headers=SITE).body["code"] == "session_ended"


def test_another_site_can_not_use_the_cookie(world: World) -> None:
    ada = person(world)
    tab = ProgramClient(world, cookie=cookie_of(ada.log_in(cookie=True)))
    foreign: list[dict[str, Any]] = [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "https://evil.parley.example"},
    ]
    for headers in foreign:
        for path in ("/v1/auth/refresh", "/v1/auth/logout"):
            refused = tab.post(path, headers=headers)
            assert (refused.status, refused.body["code"]) == (403, "cross_site_request")
    form = {"content-type": "text/plain", **SITE}
    assert tab.request("POST", "/v1/auth/refresh", b"{}", form).status == 415
    assert tab.request("POST", "/v1/auth/logout", b"", form).body["code"] == "cross_site_request"
    assert tab.post("/v1/auth/refresh", headers=SITE).status == 200


def test_logging_out_ends_the_session_here_and_not_there(world: World) -> None:
    ada = person(world)
    other_device = Person(world, email=ada.email)
    other_device.takes(ada.log_in())
    done = ada.post("/v1/auth/logout")
    assert (done.status, done.raw) == (204, b"")
    assert "json" not in done.headers["content-type"]  # there is nothing to parse
    assert ada.get("/v1/identity/me").body["code"] == "session_ended"
    assert other_device.get("/v1/identity/me").status == 200
    assert ProgramClient(world).post("/v1/auth/logout", {"refresh_token": other_device.refresh_token}).status == 204
    assert other_device.get("/v1/identity/me").body["code"] == "session_ended"
    assert ProgramClient(world).post("/v1/auth/logout", {"refresh_token": "unknown"}).status == 204
    assert ProgramClient(world).post("/v1/auth/logout").status == 401
    assert Client(world, "no.token.ofours").post("/v1/auth/logout").body["code"] == "invalid_access_token"


def test_logging_out_everywhere(world: World) -> None:
    ada, ben = person(world), person(world)
    other_device = Person(world, email=ada.email)
    other_device.takes(ada.log_in())
    assert ada.post("/v1/auth/logout-everywhere").status == 204
    assert {device.get("/v1/identity/me").status for device in (ada, other_device)} == {401}
    assert refresh(world, other_device.refresh_token).body["code"] == "session_ended"
    assert ben.get("/v1/identity/me").status == 200


def test_sessions_are_listed_and_revoked(world: World) -> None:
    ada, ben = person(world), person(world)
    other_device = Person(world, email=ada.email)
    other_device.takes(ada.log_in())
    page = ada.get("/v1/auth/sessions", limit=1).body
    assert [item["is_current"] for item in page["items"]] == [False]
    listed = page["items"] + ada.get("/v1/auth/sessions", cursor=page["next_cursor"]).body["items"]
    assert [item["is_current"] for item in listed] == [False, True]
    assert listed[0]["methods"] == ["pwd"]
    assert listed[0]["ip_address"].startswith("10.")
    assert ben.delete(f"/v1/auth/sessions/{listed[0]['id']}").status == 404
    assert other_device.get("/v1/identity/me").status == 200
    assert ada.delete(f"/v1/auth/sessions/{listed[0]['id']}").status == 204
    assert other_device.get("/v1/identity/me").status == 401
    assert ada.delete(f"/v1/auth/sessions/{listed[0]['id']}").status == 404
    assert len(ada.get("/v1/auth/sessions").body["items"]) == 1


def test_one_session_works_for_one_organization_at_a_time(world: World, acme: Member, globex: Member) -> None:
    ada = person(world)
    old = ada.token
    assert ada.post("/v1/auth/switch", {"organization_id": str(acme.organization_id)}).body["code"] == "not_a_member"
    join(acme, ada)
    join(globex, ada, MemberRole.ADMIN)
    switched = ada.post("/v1/auth/switch", {"organization_id": str(globex.organization_id)})
    assert (switched.status, switched.body["refresh_token"]) == (200, None)
    assert switched.body["organization"]["role"] == "ADMIN"
    ada.token = switched.body["access_token"]
    assert ada.get("/v1/identity/me").body["organization"]["id"] == str(globex.organization_id)
    assert Client(world, old).get("/v1/identity/me").body["organization"] is None
    ada.takes(refresh(world, ada.refresh_token))
    assert ada.tokens["organization"]["id"] == str(globex.organization_id)
    in_globex = ada.token
    ada.token = ada.post("/v1/auth/switch", {"organization_id": str(acme.organization_id)}).body["access_token"]
    assert ada.get("/v1/identity/me").body["role"] == "MEMBER"
    assert Client(world, in_globex).get("/v1/identity/me").body["code"] == "session_ended"
    assert ada.log_in().body["organization"]["id"] == str(acme.organization_id)  # the last one chosen


def test_a_new_password_and_a_switch_at_once_wait_for_each_other(world: World, acme: Member) -> None:
    ada = person(world)
    join(acme, ada)
    client = ProgramClient(world, ada.log_in().body["access_token"])
    password = {"current_password": PASSWORD, "new_password": "three rivers, no bridge"}
    with ThreadPoolExecutor(2) as pool:
        with transactions.personal(system(NOWHERE), ada.tokens["user"]["id"]) as session:
            user_accounts.lock(session, ada.tokens["user"]["id"])  # until both have come as far as they come
            changing = pool.submit(ada.put, "/v1/auth/password", password)
            time.sleep(0.5)
            switching = pool.submit(client.post, "/v1/auth/switch", {"organization_id": str(acme.organization_id)})
            time.sleep(0.5)
        assert changing.result().status == 204
        assert switching.result().body["code"] == "session_ended"


def test_who_leaves_an_organization_is_refreshed_without_it(world: World, acme: Member) -> None:
    ada = person(world)
    join(acme, ada)
    ada.takes(ada.log_in())
    assert ada.tokens["organization"]["id"] == str(acme.organization_id)
    with transactions.transaction(acme.caller) as session:
        condition = OrganizationMember.user_id == ada.tokens["user"]["id"]
        session.execute(update(OrganizationMember).where(condition).values(deactivated_at=now()))
    ada.takes(refresh(world, ada.refresh_token))
    assert ada.tokens["organization"] is None
    assert ada.log_in().body["organization"] is None


def test_old_sessions_links_and_throttles_are_swept(world: World) -> None:
    ada = person(world)
    with transactions.sweep() as session:
        session.execute(text("UPDATE user_sessions SET expires_at = now() - interval '31 days' WHERE user_id = :u"), _user(ada))
        session.execute(text("UPDATE verification_tokens SET expires_at = now() - interval '8 days' WHERE email = :e"), {"e": ada.email})
    done = world.invoke("platform/make_partitions", {})
    assert min(done[name] for name in ("sessions", "links")) >= 1
    assert done["throttles"] >= 0
    assert live_tokens(ada.tokens["user"]["id"]) == 0


def _user(who: Person) -> dict[str, Any]:
    return {"u": who.tokens["user"]["id"]}
