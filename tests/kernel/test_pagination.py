"""Lists by HTTP, page by page: nothing twice, nothing left out, whatever is added or deleted meanwhile; and cursors that are none."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from sqlalchemy import String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from parley.identity.models import Team
from parley.kernel.persistence import pagination, transactions
from parley.kernel.persistence.pagination import MOST_BYTES, BadCursor, cursor_after
from parley.kernel.values.ids import new_id
from tests.harness import Member

ROW_ID = "01a22fc7-10e3-77e7-a6e5-5d67abb3fc26"  # one, so that every process names the same cases
TEAMS = "/v1/identity/teams"
MEETINGS = "/v1/recordings/meetings"


def team(member: Member, name: str) -> str:
    answer = member.post(TEAMS, {"name": name, "slug": f"team-{new_id()}"[:50]})
    assert answer.status == 201, answer.raw
    return str(answer.body["id"])


def walk(member: Member, path: str, limit: int) -> list[list[str]]:
    """The ids of every page, from the first to the last."""
    pages, cursor = [], None
    while True:
        answer = member.get(path, limit=limit, cursor=cursor)
        assert answer.status == 200, answer.raw
        pages.append([item["id"] for item in answer.body["items"]])
        cursor = answer.body["next_cursor"]
        if cursor is None:
            return pages


@pytest.fixture
def teams(acme: Member) -> list[str]:
    """Seven, newest first."""
    return [team(acme, f"Team {number}") for number in range(7)][::-1]


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (6, [6, 1]), (7, [7]), (8, [7]), (100, [7])])
def test_pages_of_every_size_hold_each_row_once_and_end(acme: Member, teams: list[str], limit: int, sizes: list[int]) -> None:
    pages = walk(acme, TEAMS, limit)
    assert [len(page) for page in pages] == sizes
    assert list(chain.from_iterable(pages)) == teams


def test_an_empty_list_is_one_page(globex: Member) -> None:
    assert walk(globex, TEAMS, 5) == [[]]


def test_rows_that_come_and_go_between_pages_move_no_other(acme: Member, teams: list[str]) -> None:
    first = acme.get(TEAMS, limit=3).body
    team(acme, "Newer")
    for removed in (teams[1], teams[2], teams[4]):  # of the page that was read, the row that the cursor names, and of the next page
        assert acme.delete(f"{TEAMS}/{removed}").status in (200, 204)
    rest = acme.get(TEAMS, limit=100, cursor=first["next_cursor"]).body
    assert [item["id"] for item in rest["items"]] == [teams[3], teams[5], teams[6]]


def test_a_cursor_shows_nobody_elses_rows(acme: Member, globex: Member, teams: list[str]) -> None:
    own = team(globex, "Ours")
    cursor = acme.get(TEAMS, limit=2).body["next_cursor"]
    assert {item["id"] for item in globex.get(TEAMS, cursor=cursor).body["items"]} <= {own}
    assert set(chain.from_iterable(walk(globex, TEAMS, 1))) == {own}


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        encoded("x"),
        encoded({}),
        encoded([]),
        encoded([None]),
        encoded([1]),
        encoded([["x"]]),
        encoded(["x"]),
        encoded([ROW_ID, ROW_ID]),
        encoded([ROW_ID + "0"]),
        encoded(["\0" + ROW_ID]),
        encoded(["\ud800"]),
        encoded(["[" * 100]),
        base64.urlsafe_b64encode(b"[" * 400).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        "AA=A",
        "A",
        " ",
        "+/+/",
    ],
)
def test_a_cursor_of_another_form_is_refused(acme: Member, cursor: str) -> None:
    answer = acme.get(TEAMS, cursor=cursor)
    assert (answer.status, answer.body["code"]) == (400, "bad_cursor"), answer.raw


@pytest.mark.parametrize(
    "moment",
    [
        "2026-12-01T00:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-30T00:00:00+00:00",
        "infinity",
        "-infinity",
        "now",
        "1e999",
    ],
)
def test_a_moment_of_a_cursor_is_one_that_python_and_postgresql_know(acme: Member, moment: str) -> None:
    answer = acme.get(MEETINGS, cursor=encoded([moment, str(new_id())]))
    assert (answer.status, answer.body["code"]) == (400, "bad_cursor"), answer.raw


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00", "2199-06-01T00:00:00-12:00"])
def test_a_moment_at_the_end_of_time_is_a_position_like_any_other(acme: Member, moment: str) -> None:
    assert acme.get(MEETINGS, cursor=encoded([moment, str(new_id())])).status == 200


def test_a_cursor_of_another_list_is_refused(acme: Member, teams: list[str]) -> None:
    cursor = acme.get(TEAMS, limit=1).body["next_cursor"]
    assert acme.get(MEETINGS, cursor=cursor).body["code"] == "bad_cursor"


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1.5", "x", "", "1e2", "9" * 30, "%00", "٣٠"])
def test_a_limit_is_a_number_from_1_to_100(acme: Member, limit: str) -> None:
    answer = acme.request("GET", f"{TEAMS}?limit={limit}")
    assert answer.status in (400, 422), answer.raw


def test_a_cursor_longer_than_any_of_ours_is_not_read(acme: Member) -> None:
    assert acme.get(TEAMS, cursor="A" * 601).status == 422
    longest = cursor_after(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), new_id(), "x" * 200)
    assert len(longest) < 600


def test_both_directions_meet_in_the_same_rows(acme: Member, teams: list[str]) -> None:
    with transactions.transaction(acme.caller) as session:
        newest, cursor = pagination.page(session, select(Team), [Team.id], cursor=None, limit=4)
        oldest, _ = pagination.page(session, select(Team), [Team.id], cursor=cursor, limit=9, descending=False)
        pairs, following = pagination.joined_page(session, select(Team, Team.name), [Team.id], cursor=cursor, limit=2)
    assert [str(row.id) for row in newest] == teams[:4]
    assert [str(row.id) for row in oldest] == teams[:3][::-1], "what lies on the other side of the row that the cursor names"
    assert [(str(row.id), name) for row, name in pairs] == [(teams[4], "Team 2"), (teams[5], "Team 1")]
    assert following == cursor_after(UUID(teams[5]))


class Words(DeclarativeBase):
    """A list that is ordered by a text and a number."""


class Word(Words):
    __tablename__ = "words"
    text: Mapped[str] = mapped_column(String, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)


@pytest.mark.parametrize("values", [["\ud800", "1"], ["x\0", "1"], ["x", "one"], ["x", ""], ["x", "1" * 5000], ["x", None], [1, "1"]])
def test_a_text_or_number_of_a_cursor_is_one_that_a_column_can_hold(acme: Member, values: list[Any]) -> None:
    with transactions.transaction(acme.caller) as session, pytest.raises(BadCursor):
        pagination.page(session, select(Word), [Word.text, Word.number], cursor=encoded(values), limit=1)


class Shown(BaseModel):
    id: UUID
    content: str


@pytest.mark.parametrize("letter", ["x", "ü", "🙂", '"', "\\"])
def test_a_page_holds_as_many_items_as_an_answer_has_room_for_and_the_cursor_of_the_rest(letter: str) -> None:
    items = [Shown(id=new_id(), content=letter * (1_000_000 // len(letter.encode()))) for _ in range(8)]
    page = pagination.bounded_page(items, [Team.id], "the next one")
    assert 1 <= len(page.items) < 8
    assert page.next_cursor == cursor_after(page.items[-1].id)
    assert len(json.dumps(page.model_dump_json(), ensure_ascii=False).encode()) < MOST_BYTES + 1_000
    whole = pagination.bounded_page(items[:1], [Team.id], "the next one")
    assert (len(whole.items), whole.next_cursor) == (1, "the next one")


def test_an_item_larger_than_an_answer_is_a_page_by_itself() -> None:
    items = [Shown(id=new_id(), content="x" * (MOST_BYTES + 1)), Shown(id=new_id(), content="y")]
    page = pagination.bounded_page(items, [Team.id], None)
    assert (page.items, page.next_cursor) == ([items[0]], cursor_after(items[0].id))
    assert pagination.bounded_page(list[Shown](), [Team.id], None).items == []
