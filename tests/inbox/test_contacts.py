"""One conversation a contact, under whatever keys it comes (2026: the phone number may be missing)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from parley.inbox.models import ContactKey, Conversation, ConversationStatus
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from tests.inbox import whatsapp_bodies
from tests.inbox.conftest import WhatsAppNumber

PHONE, USER = "4915112345", "DE.1Abc"


def text(words: str, phone: str | None = None, user: str | None = None) -> dict[str, Any]:
    return whatsapp_bodies.text(words, sender=phone, **({"from_user_id": user} if user else {}))


def contents(line: WhatsAppNumber) -> list[list[str]]:
    """What was said, by conversation, the oldest first."""
    conversations = sorted(line.conversations(), key=lambda conversation: str(conversation["id"]))
    return [[message["content"] for message in reversed(line.messages(conversation["id"]))] for conversation in conversations]


def keys(line: WhatsAppNumber) -> set[str]:
    return set(line.member.rows(select(ContactKey.key)))


def test_phone_then_both_then_user_alone_is_one(line: WhatsAppNumber) -> None:
    line.receive(text("1", PHONE))
    line.receive(text("2", PHONE, USER))
    line.receive(text("3", None, USER))
    assert contents(line) == [["1", "2", "3"]]
    assert keys(line) == {f"phone:{PHONE}", f"user:{USER}"}
    assert line.conversation()["contact_external_id"] == PHONE


def test_user_alone_then_both_then_phone_alone_is_one(line: WhatsAppNumber) -> None:
    line.receive(text("1", None, USER))
    assert line.conversation()["contact_external_id"] == USER
    line.receive(text("2", PHONE, USER))
    line.receive(text("3", PHONE))
    assert contents(line) == [["1", "2", "3"]]
    assert line.conversation()["contact_external_id"] == PHONE


def test_all_in_one_body(line: WhatsAppNumber) -> None:
    line.receive(text("1", PHONE), text("2", None, USER), text("3", PHONE, USER), text("4", None, USER), text("5", PHONE))
    assert contents(line) == [["1", "2", "3", "4", "5"]]
    assert line.conversation()["unread_count"] == 5


def test_the_card_of_a_contact_tells_the_other_key(line: WhatsAppNumber) -> None:
    line.receive(text("1", PHONE))
    line.receive(text("2", None, USER), contacts=[whatsapp_bodies.card(PHONE, "Erika", user_id=USER)])
    assert contents(line) == [["1", "2"]]


def test_two_conversations_that_turn_out_to_be_one_are_merged(line: WhatsAppNumber) -> None:
    line.receive(text("1", PHONE))
    line.receive(text("2", None, USER))
    line.member.post(f"/v1/inbox/conversations/{line.conversations()[1]['id']}/read")
    first, second = sorted(line.conversations(), key=lambda item: str(item["id"]))
    line.receive(text("3", PHONE, USER))
    assert contents(line) == [["1", "2", "3"]]
    conversation = line.conversation()
    assert (conversation["id"], conversation["unread_count"], conversation["last_message_preview"]) == (first["id"], 2, "3")
    line.receive(text("4", PHONE), text("5", None, USER))
    assert contents(line) == [["1", "2", "3", "4", "5"]]
    (merged,) = line.member.rows(select(AuditLog).where(AuditLog.action == "conversation.merged"))
    assert (str(merged.entity_id), merged.new_values) == (second["id"], {"merged_into": first["id"]})


def test_a_number_that_has_a_new_owner_follows_the_person(line: WhatsAppNumber) -> None:
    line.receive(text("old owner", PHONE, USER))
    line.receive(text("new owner", PHONE, "DE.9New"))
    line.receive(text("new owner again", PHONE))
    line.receive(text("old owner again", None, USER))
    assert contents(line) == [["old owner", "old owner again"], ["new owner", "new owner again"]]
    line.receive(text("old owner has it again", PHONE, USER))
    assert contents(line)[0][-1] == "old owner has it again"
    assert len(line.conversations()) == 2


def test_two_known_persons_with_one_number_are_not_merged(line: WhatsAppNumber) -> None:
    line.receive(text("a", None, "DE.A"), text("b", PHONE, "DE.B"))
    line.receive(text("a with b's number", PHONE, "DE.A"))
    assert contents(line) == [["a", "a with b's number"], ["b"]]


def test_a_contact_that_says_its_new_number_keeps_its_conversation(line: WhatsAppNumber) -> None:
    line.receive(text("1", PHONE, USER))
    line.receive(whatsapp_bodies.message("system", {"body": "changed", "type": "user_changed_number", "wa_id": "4999"}, sender=PHONE))
    line.receive(text("2", "4999"))
    assert contents(line) == [["1", "changed", "2"]]
    assert line.conversation()["contact_external_id"] == "4999"


def test_somebody_who_takes_a_known_persons_old_number_is_not_merged_with_that_person(line: WhatsAppNumber) -> None:
    line.receive(text("b", "4999", "DE.B"), text("a", PHONE, USER))
    line.receive(whatsapp_bodies.message("system", {"body": "changed", "type": "user_changed_number", "wa_id": "4999"}, sender=PHONE))
    line.receive(text("a again", "4999"), text("b again", None, "DE.B"))
    assert sorted(contents(line)) == [["a", "changed", "a again"], ["b", "b again"]]


def test_a_new_number_that_was_seen_first_is_the_same_person(line: WhatsAppNumber) -> None:
    line.receive(text("1", PHONE))
    line.receive(text("2", "4999"))
    line.receive(whatsapp_bodies.message("system", {"body": "changed", "type": "user_changed_number", "wa_id": "4999"}, sender=PHONE))
    assert contents(line) == [["1", "2", "changed"]]
    line.receive(text("3", "4999"), text("4", PHONE))
    assert contents(line) == [["1", "2", "changed", "3", "4"]]


def test_a_new_user_id_is_the_same_person_also_when_it_was_seen_first(line: WhatsAppNumber) -> None:
    line.receive(text("1", PHONE, USER))
    line.receive(text("2", "4999", "DE.2New"))
    assert len(line.conversations()) == 2
    change = {"body": "changed", "type": "user_changed_user_id", "user_id": "DE.2New"}
    line.receive(whatsapp_bodies.message("system", change, sender=None, from_user_id=USER))
    assert contents(line) == [["1", "2", "changed"]]
    line.receive(text("3", None, USER), text("4", "4999"), text("5", PHONE), text("6", None, "DE.2New"))
    assert contents(line) == [["1", "2", "changed", "3", "4", "5", "6"]]


def test_an_echo_finds_the_customers_conversation(line: WhatsAppNumber) -> None:
    line.receive(text("1", PHONE, USER))
    line.echo(whatsapp_bodies.text("2", sender="4930", to_user_id=USER), whatsapp_bodies.text("3", sender="4930", to=PHONE))
    assert contents(line) == [["1", "2", "3"]]


def test_a_group_is_not_the_person_who_writes_in_it(line: WhatsAppNumber) -> None:
    line.receive(text("1", PHONE))
    line.receive(whatsapp_bodies.text("2", sender=PHONE, group_id=PHONE))
    assert contents(line) == [["1"], ["2"]]


def test_names_follow_the_newest_message(line: WhatsAppNumber) -> None:
    at = whatsapp_bodies.now()
    line.receive(whatsapp_bodies.text(at=at + 5), contacts=[whatsapp_bodies.card(name="New")])
    line.receive(whatsapp_bodies.text(at=at + 6), contacts=[{"wa_id": whatsapp_bodies.CUSTOMER, "profile": {"username": "erika"}}])
    conversation = line.conversation()
    assert (conversation["contact_name"], conversation["contact_username"]) == ("New", "erika")


def test_an_older_message_that_comes_late_turns_nothing_back(line: WhatsAppNumber) -> None:
    at = whatsapp_bodies.now()
    line.receive(text("1", "4999", USER) | {"timestamp": str(at + 9)}, contacts=[whatsapp_bodies.card("4999", "New")])
    line.receive(
        text("2", PHONE, USER) | {"timestamp": str(at)},
        contacts=[whatsapp_bodies.card(PHONE, "Old") | {"profile": {"name": "Old", "username": "erika"}}],
    )
    conversation = line.conversation()
    assert (conversation["contact_name"], conversation["contact_username"]) == ("New", "erika")
    assert (conversation["contact_external_id"], conversation["last_message_preview"]) == ("4999", "1")


def test_a_name_is_known_if_one_of_the_bodys_messages_tells_it(line: WhatsAppNumber) -> None:
    line.hand(
        whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text()], contacts=[whatsapp_bodies.card(name="Erika")]),
        whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text()]),
    )
    assert line.conversation()["contact_name"] == "Erika"


def test_what_shows_that_two_are_one_need_not_be_a_message(line: WhatsAppNumber) -> None:
    """A reaction to something from before our time has both keys; the one conversation shows what the two have shown."""
    line.receive(text("1", PHONE))
    with transactions.transaction(line.member.caller) as session:
        session.execute(update(Conversation).values(status=ConversationStatus.CLOSED))
    line.receive(text("2", None, USER), contacts=[whatsapp_bodies.card(None, "Erika", user_id=USER)])
    newer = line.conversations()[0]
    line.receive(whatsapp_bodies.message("reaction", {"message_id": "wamid.before", "emoji": "x"}, sender=PHONE, from_user_id=USER))
    assert contents(line) == [["1", "2"]]
    conversation = line.conversation()
    assert conversation["id"] != newer["id"]
    for field in ("last_message_preview", "last_message_at", "contact_name", "status"):
        assert conversation[field] == newer[field], field
    assert conversation["unread_count"] == 2


def test_the_same_contact_at_two_tenants_is_two(line: WhatsAppNumber, other: WhatsAppNumber) -> None:
    line.hand(*[whatsapp_bodies.change(phone_line.number, messages=[text("x", PHONE, USER)]) for phone_line in (line, other)])
    assert line.counts() == other.counts() == (1, 1)
    assert line.member.rows(select(Conversation.id)) != other.member.rows(select(Conversation.id))
