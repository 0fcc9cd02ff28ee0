"""Two at once: the database decides, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.client import Answer
from tests.scim.scim_client import USER, ScimClient, address
from tests.scim.test_groups import members
from tests.scim.test_users import seats

AT_ONCE = 4


@pytest.fixture
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE)


def test_one_name_is_given_once(directory: ScimClient, pool: ThreadPoolExecutor) -> None:
    for _ in range(3):
        body = {"schemas": [USER], "userName": address()}
        answers: list[Answer] = list(pool.map(lambda _, body=body: directory.scim("POST", "/Users", body), range(AT_ONCE)))
        assert Counter(answer.status for answer in answers) == {201: 1, 409: AT_ONCE - 1}
        assert {answer.body["scimType"] for answer in answers if answer.status == 409} == {"uniqueness"}


def test_two_organizations_provision_one_address_at_once(directory: ScimClient, other: ScimClient, pool: ThreadPoolExecutor) -> None:
    body = {"schemas": [USER], "userName": address()}
    answers = list(pool.map(lambda who: who.scim("POST", "/Users", body), [directory, other]))
    assert [answer.status for answer in answers] == [201, 201]


def test_the_last_seat_is_taken_once(directory: ScimClient, pool: ThreadPoolExecutor) -> None:
    seats(directory, 2)
    answers = pool.map(lambda _: directory.scim("POST", "/Users", {"schemas": [USER], "userName": address()}).status, range(8))
    assert Counter(answers) == {201: 1, 402: 7}


def test_parallel_patches_of_a_group_lose_nothing(directory: ScimClient, pool: ThreadPoolExecutor) -> None:
    users = [directory.user()["id"] for _ in range(12)]
    group = directory.group("Engineering", *users[:4])["id"]
    operations = [{"op": "add", "path": "members", "value": [{"value": user}]} for user in users[4:]]
    operations += [{"op": "remove", "path": f'members[value eq "{user}"]'} for user in users[:2]]
    statuses = list(pool.map(lambda operation: directory.change(f"/Groups/{group}", operation).status, operations))
    assert set(statuses) == {204}
    assert members(directory, group) == set(users[2:])


def test_of_two_who_changed_the_same_version_one_wins(directory: ScimClient, pool: ThreadPoolExecutor) -> None:
    user = directory.user()
    version = {"if-match": user["meta"]["version"]}

    def rename(title: str) -> int:
        return directory.change(f"/Users/{user['id']}", {"op": "replace", "path": "title", "value": title}, headers=version).status

    assert Counter(pool.map(rename, ["a", "b", "c", "d"])) == {204: 1, 412: 3}
    group = directory.group()
    tag = {"if-match": group["meta"]["version"]}

    def call(name: str) -> int:
        return directory.change(f"/Groups/{group['id']}", {"op": "replace", "path": "displayName", "value": name}, headers=tag).status

    assert Counter(pool.map(call, ["a", "b", "c", "d"])) == {204: 1, 412: 3}


def test_who_is_leaving_is_in_no_group_afterwards(directory: ScimClient, pool: ThreadPoolExecutor) -> None:
    group = directory.group()["id"]
    for _ in range(4):
        user = directory.user()["id"]
        calls = [
            lambda user=user: directory.change(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": user}]}).status,
            lambda user=user: directory.scim("DELETE", f"/Users/{user}").status,
        ]
        added, removal_status = pool.map(lambda call: call(), calls)
        assert (added in (204, 400), removal_status) == (True, 204)
        assert members(directory, group) == set()
