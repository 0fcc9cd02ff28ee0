"""Outside names: each belongs to one, in every process at once; it is taken back by its owner alone, and a claim ends before a proof."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from parley.kernel.access.callers import NOWHERE, ActorType, Caller
from parley.kernel.persistence import directory, transactions
from parley.kernel.persistence.directory import DirectoryEntry
from parley.kernel.postgres.integrity_errors import constraint
from parley.kernel.values.declarations import DirectoryKind
from parley.kernel.values.ids import new_id
from tests.harness import Member, Person, World
from tests.kernel.postgres_proxy import wired

NUMBER, FORM = DirectoryKind("whatsapp_number"), DirectoryKind("routing_form")
EMAIL, ACCOUNT = DirectoryKind("email"), DirectoryKind("provider_account")


def enter(member: Member, key: str, kind: DirectoryKind = NUMBER, *, is_proven: bool = False) -> None:
    with transactions.transaction(member.caller) as session:
        directory.enter(session, kind, key, is_proven=is_proven)


def leave(member: Member, key: str) -> None:
    with transactions.transaction(member.caller) as session:
        directory.leave(session, NUMBER, key)


def oneself(person: Person) -> Caller:
    return Caller(NOWHERE, ActorType.USER, person.user_id)


@pytest.fixture
def key() -> str:
    return f"number-{new_id()}"


def test_a_name_leads_to_who_entered_it_and_is_its_alone(acme: Member, globex: Member, key: str) -> None:
    assert directory.organization_of(NUMBER, key) is None
    enter(acme, key)
    assert directory.organization_of(NUMBER, key) == acme.organization_id
    with pytest.raises(DBAPIError) as taken:
        enter(globex, key)
    assert constraint(taken.value) == directory.UNIQUE
    enter(globex, key, FORM)
    assert directory.organization_of(FORM, key) == globex.organization_id, "another sort of name is another name"
    leave(globex, key)
    assert directory.organization_of(NUMBER, key) == acme.organization_id, "nobody takes back what is another's"
    leave(acme, key)
    enter(globex, key)
    assert directory.organization_of(NUMBER, key) == globex.organization_id


def test_of_those_who_enter_a_name_at_once_a_single_winner_has_it(world: World, key: str) -> None:
    members = [world.organization(f"Racer{number}") for number in range(4)]
    gate = Barrier(len(members), timeout=10)

    def claim(member: Member) -> str:
        gate.wait()
        try:
            enter(member, key)
        except DBAPIError as error:
            return constraint(error)
        return "won"

    with ThreadPoolExecutor(len(members)) as pool:
        outcomes = dict(zip((member.organization_id for member in members), pool.map(claim, members), strict=True))
    assert sorted(outcomes.values()) == [directory.UNIQUE] * 3 + ["won"]
    winner = directory.organization_of(NUMBER, key)
    assert winner is not None and outcomes[winner] == "won"


def test_a_name_goes_back_with_the_transaction_that_entered_it(acme: Member, key: str) -> None:
    with pytest.raises(ZeroDivisionError), transactions.transaction(acme.caller) as session:
        directory.enter(session, NUMBER, key)
        session.flush()
        raise ZeroDivisionError
    assert directory.organization_of(NUMBER, key) is None


def test_an_entry_whose_commit_lost_its_answer_is_there(acme: Member, key: str) -> None:
    with wired() as wire:
        wire.loses = [b"commit"]
        with pytest.raises(Exception, match="network error"):
            enter(acme, key)
        assert directory.organization_of(NUMBER, key) == acme.organization_id
        with pytest.raises(DBAPIError) as taken:
            enter(acme, key)
        assert constraint(taken.value) == directory.UNIQUE


def test_a_claim_that_nobody_proved_ends_and_a_proven_claim_does_not(acme: Member, globex: Member, key: str) -> None:
    proven = f"{key}-proven"
    enter(acme, key)
    enter(acme, proven, is_proven=True)
    with transactions.transaction(globex.caller) as session:
        assert directory.end_unproven(session, NUMBER, proven) is None
        assert directory.end_unproven(session, NUMBER, f"{key}-of nobody") is None
        assert directory.end_unproven(session, NUMBER, key) == acme.organization_id
    assert directory.organizations_of(NUMBER, [key, proven]) == {proven: acme.organization_id}


def test_a_proof_is_taken_back_and_given_by_the_owner_alone(acme: Member, globex: Member, key: str) -> None:
    enter(acme, key, is_proven=True)
    with transactions.transaction(globex.caller) as session:
        assert not directory.set_proven(session, NUMBER, key, is_proven=False)
    with transactions.transaction(globex.caller) as session:
        assert directory.end_unproven(session, NUMBER, key) is None, "it is proven still"
    for is_proven in (False, True, True):
        with transactions.transaction(acme.caller) as session:
            assert directory.set_proven(session, NUMBER, key, is_proven=is_proven)
    with transactions.transaction(acme.caller) as session:
        assert not directory.set_proven(session, NUMBER, f"{key}0", is_proven=True)
        [proven_at] = session.scalars(select(DirectoryEntry.proven_at).where(DirectoryEntry.key == key))
    assert proven_at is not None


@pytest.mark.parametrize("spelling", [str.upper, str.lower, str.title, " {}\n".format, "\t{} ".format])
def test_a_persons_name_is_the_same_in_every_spelling_and_lies_nowhere_as_it_is(world: World, spelling: Callable[[str], str]) -> None:
    suffix = str(new_id())
    person = world.person(f"Grace.{suffix}@Example.com")
    assert directory.person_of(EMAIL, spelling(person.email)) == person.user_id
    with transactions.sweep() as session:
        keys = session.scalars(select(DirectoryEntry.key).where(DirectoryEntry.user_id == person.user_id)).all()
    assert keys == [directory.personal(person.email)] and suffix not in keys[0]


@pytest.mark.parametrize("name", ["", " ", "\0", "\ud800", "x" * 100_000, "'; DROP TABLE directory_entries; --", "%", "_"])
def test_a_name_of_nobody_leads_nowhere(name: str) -> None:
    assert directory.person_of(EMAIL, name) is None
    assert directory.people_of({EMAIL: name, ACCOUNT: name}) == {}


def test_several_names_at_once_lead_to_several_people(world: World, acme: Member) -> None:
    first, second = world.person(), world.person()
    with transactions.personal(oneself(second)) as session:
        directory.enter_person(session, ACCOUNT, f"google:{second.user_id}", second.user_id)
    names = {EMAIL: first.email.upper(), ACCOUNT: f"Google:{second.user_id}"}
    assert directory.people_of(names) == {EMAIL: first.user_id, ACCOUNT: second.user_id}
    assert directory.people_of({EMAIL: first.email, ACCOUNT: "nobody's"}) == {EMAIL: first.user_id}
    with transactions.personal(oneself(second)) as session:
        directory.leave_person(session, ACCOUNT, f"GOOGLE:{second.user_id}")
    assert directory.person_of(ACCOUNT, f"google:{second.user_id}") is None
    assert directory.person_of(EMAIL, second.email) == second.user_id
    with transactions.personal(oneself(second)) as session:
        directory.forget_person(session, second.user_id)
    assert directory.people_of({EMAIL: second.email}) == {}
