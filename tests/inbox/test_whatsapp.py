"""WhatsApp's bodies become updates: every type, every array, and what is malformed harms no other."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from parley.inbox.models import ChangeKind, ContentType, MessageDirection
from parley.inbox.platforms.platform_updates import (
    AccountNotice,
    IncomingMessage,
    MessageModification,
    ParsedWebhook,
    StatusUpdate,
    webhook_envelope,
)
from parley.inbox.platforms.whatsapp import parse
from tests.inbox import whatsapp_bodies

NUMBER = "106540352242922"
ARRIVED = datetime(2026, 11, 20, 10, tzinfo=UTC)
AT = int(ARRIVED.timestamp()) - 5
MEDIA = {"id": "1166846181421424", "sha256": "ohcz5DZ3T7lQ=", "url": "https://lookaside.fbsbx.com/x"}


def parsed(*changes: Any) -> ParsedWebhook:
    return parse(whatsapp_bodies.wire(whatsapp_bodies.body(*changes)), ARRIVED)


def single_update(item: Any, **parts: Any) -> Any:
    webhook = parsed(whatsapp_bodies.change(NUMBER, messages=[item], **parts))
    assert (webhook.malformed, webhook.unhandled) == ([], [])
    (update,) = webhook.updates
    return update


def message(kind: str, detail: Any, **more: Any) -> Any:
    return whatsapp_bodies.message(kind, detail, at=AT, **more)


@pytest.mark.parametrize(
    ("kind", "detail", "expected"),
    [
        ("text", {"body": "Hallo"}, ("Hallo", "TEXT", None)),
        ("image", MEDIA | {"mime_type": "image/jpeg", "caption": "Am See"}, ("Am See", "IMAGE", "image/jpeg")),
        ("image", MEDIA | {"mime_type": "image/jpeg"}, (None, "IMAGE", "image/jpeg")),
        ("video", MEDIA | {"mime_type": "video/mp4", "caption": "c"}, ("c", "VIDEO", "video/mp4")),
        ("audio", MEDIA | {"mime_type": "audio/ogg; codecs=opus", "voice": True}, (None, "AUDIO", "audio/ogg; codecs=opus")),
        ("document", MEDIA | {"mime_type": "application/pdf", "filename": "r.pdf"}, ("r.pdf", "FILE", "application/pdf")),
        (
            "document",
            MEDIA | {"mime_type": "application/pdf", "filename": "r.pdf", "caption": "Rechnung"},
            ("Rechnung", "FILE", "application/pdf"),
        ),
        ("sticker", MEDIA | {"mime_type": "image/webp", "animated": False}, (None, "STICKER", "image/webp")),
        ("location", {"latitude": 52.5, "longitude": 13.4}, ("52.5, 13.4", "LOCATION", None)),
        (
            "location",
            {"latitude": 52.5, "longitude": 13.4, "name": "Tor", "address": "Platz 1"},
            ("Tor, Platz 1, 52.5, 13.4", "LOCATION", None),
        ),
        (
            "contacts",
            [{"name": {"formatted_name": "A B"}, "phones": []}, {"name": {"formatted_name": "C"}}],
            ("[contacts] A B, C", "TEXT", None),
        ),
        ("interactive", {"type": "button_reply", "button_reply": {"id": "y", "title": "Ja"}}, ("Ja", "TEXT", None)),
        ("interactive", {"type": "list_reply", "list_reply": {"id": "1", "title": "Eins", "description": "d"}}, ("Eins", "TEXT", None)),
        (
            "interactive",
            {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{}"}},
            ("Sent", "TEXT", None),
        ),
        ("button", {"text": "Stop", "payload": "STOP"}, ("Stop", "TEXT", None)),
        ("order", {"catalog_id": "1", "product_items": [{}, {}], "text": "bitte"}, ("[order of 2 items] bitte", "TEXT", None)),
        ("system", {"body": "User A changed", "type": "user_changed_number", "wa_id": "4912"}, ("User A changed", "TEXT", None)),
        ("unsupported", {}, ("[unsupported]", "TEXT", None)),
        ("hologram", {"id": 1}, ("[hologram]", "TEXT", None)),
        ("text", {"body": 7}, ("[text]", "TEXT", None)),
        ("text", ["x"], ("[text]", "TEXT", None)),
        ("image", None, (None, "IMAGE", None)),
        ("location", {}, ("[location]", "LOCATION", None)),
        ("contacts", {"name": 1}, ("[contacts]", "TEXT", None)),
        ("interactive", {"type": "new_reply", "new_reply": {"title": "Neu"}}, ("Neu", "TEXT", None)),
        ("interactive", {"type": ["x"]}, ("[interactive]", "TEXT", None)),
        ("edit", {"message": {}}, ("[edit]", "TEXT", None)),
    ],
)
def test_every_type_lands_and_the_raw_message_stays(kind: str, detail: Any, expected: tuple[Any, ...]) -> None:
    raw = message(kind, detail)
    update = single_update(raw)
    assert isinstance(update, IncomingMessage)
    assert (update.content, update.content_type, update.media_type) == expected
    assert update.payload == raw
    assert (update.account, update.external_id, update.direction) == (NUMBER, raw["id"], MessageDirection.INBOUND)
    assert update.contact.keys == (f"phone:{whatsapp_bodies.CUSTOMER}",)
    assert update.at == datetime.fromtimestamp(AT, UTC)


def test_an_unsupported_message_keeps_its_errors() -> None:
    raw = message("unsupported", {}, errors=[{"code": 131051, "title": "Message type unknown"}])
    assert single_update(raw).payload["errors"][0]["code"] == 131051


@pytest.mark.parametrize(
    ("kind", "detail", "expected"),
    [
        ("reaction", {"message_id": "wamid.T", "emoji": "👍🏽"}, (ChangeKind.REACTION, "👍🏽")),
        ("reaction", {"message_id": "wamid.T"}, (ChangeKind.REACTION, None)),
        ("reaction", {"message_id": "wamid.T", "emoji": ""}, (ChangeKind.REACTION, None)),
        ("edit", {"original_message_id": "wamid.T", "message": {"type": "text", "text": {"body": "neu"}}}, (ChangeKind.EDIT, "neu")),
        ("edit", {"original_message_id": "wamid.T", "message": {"type": "image", "image": {"caption": "c"}}}, (ChangeKind.EDIT, "c")),
        ("edit", {"original_message_id": "wamid.T"}, (ChangeKind.EDIT, "[message]")),
        ("revoke", {"original_message_id": "wamid.T"}, (ChangeKind.REVOKE, None)),
    ],
)
def test_changes_name_their_target(kind: str, detail: Any, expected: tuple[Any, ...]) -> None:
    change = single_update(message(kind, detail))
    assert isinstance(change, MessageModification)
    assert (change.target, change.kind, change.content) == ("wamid.T", *expected)
    assert change.actor == "contact"


@pytest.mark.parametrize(
    ("name", "rung"), [("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("played", "read"), ("failed", "failed")]
)
def test_statuses(name: str, rung: str) -> None:
    error = {"code": 131047, "title": "Re-engagement", "error_data": {"details": "24 hours"}}
    raw = whatsapp_bodies.status(name, "wamid.X", at=AT, errors=[error], biz_opaque_callback_data="x", pricing={"billable": True})
    (status_update,) = parsed(whatsapp_bodies.change(NUMBER, statuses=[raw])).updates
    assert isinstance(status_update, StatusUpdate)
    assert (status_update.external_id, status_update.rung, status_update.at) == ("wamid.X", rung, datetime.fromtimestamp(AT, UTC))
    assert status_update.error == ({"code": 131047, "title": "Re-engagement", "details": "24 hours"} if name == "failed" else None)


def test_errors_of_the_account_are_complaints() -> None:
    (complaint,) = parsed(whatsapp_bodies.change(NUMBER, errors=[{"code": 130429, "title": "Rate limit hit"}])).updates
    assert isinstance(complaint, AccountNotice)
    assert complaint.text == "130429: Rate limit hit"


def test_echoes_are_ours_and_with_the_customer() -> None:
    raw = message("text", {"body": "von uns"}, sender="4930123456", to=whatsapp_bodies.CUSTOMER, to_user_id="DE.1A")
    (echo,) = parsed(whatsapp_bodies.change(NUMBER, field="smb_message_echoes", message_echoes=[raw])).updates
    assert isinstance(echo, IncomingMessage)
    assert echo.direction is MessageDirection.OUTBOUND
    assert echo.contact.keys == ("user:DE.1A", f"phone:{whatsapp_bodies.CUSTOMER}")
    reaction = message("reaction", {"message_id": "wamid.T", "emoji": "x"}, sender="4930123456", to=whatsapp_bodies.CUSTOMER)
    (change,) = parsed(whatsapp_bodies.change(NUMBER, field="smb_message_echoes", message_echoes=[reaction])).updates
    assert isinstance(change, MessageModification)
    assert change.actor == "business"


def test_contacts_are_matched_by_id_never_by_position() -> None:
    cards = [
        whatsapp_bodies.card("4911", "Other"),
        whatsapp_bodies.card(None, "User", user_id="DE.1A"),
        whatsapp_bodies.card(whatsapp_bodies.CUSTOMER, "Erika", user_id="DE.2B"),
    ]
    contact = single_update(whatsapp_bodies.text(), contacts=cards).contact
    assert (contact.name, contact.keys, contact.phone) == (
        "Erika",
        ("user:DE.2B", f"phone:{whatsapp_bodies.CUSTOMER}"),
        whatsapp_bodies.CUSTOMER,
    )
    nameless = single_update(whatsapp_bodies.text(sender=None, from_user_id="DE.1A"), contacts=cards).contact
    assert (nameless.name, nameless.keys, nameless.phone) == ("User", ("user:DE.1A",), None)
    unknown = single_update(whatsapp_bodies.text(sender="4999"), contacts=cards).contact
    assert (unknown.name, unknown.keys) == (None, ("phone:4999",))
    assert (
        single_update(
            whatsapp_bodies.text(), contacts=[None, 7, {"wa_id": [1]}, {"wa_id": whatsapp_bodies.CUSTOMER, "profile": "x"}]
        ).contact.name
        is None
    )
    assert single_update(whatsapp_bodies.text(), contacts={"a": 1}).contact.name is None
    username = single_update(
        whatsapp_bodies.text(sender=None, from_user_id="DE.3C"),
        contacts=[whatsapp_bodies.card(None, "N", user_id="DE.3C") | {"profile": {"username": "erika"}}],
    )
    assert (username.contact.name, username.contact.username) == (None, "erika")


def test_a_group_is_one_contact_whoever_writes() -> None:
    assert single_update(whatsapp_bodies.text(group_id="g1", sender="4911")).contact.keys == ("group:g1",)
    change = single_update(message("reaction", {"message_id": "wamid.T", "emoji": "x"}, group_id="g1", sender="4911"))
    assert (change.contact.keys, change.actor) == (("group:g1",), "4911")


def test_new_numbers_and_ids_of_a_contact() -> None:
    moved = single_update(message("system", {"body": "b", "type": "user_changed_number", "wa_id": "4999"})).contact
    assert (moved.becomes, moved.phone) == (("phone:4999",), "4999")
    renamed = single_update(
        message("system", {"body": "b", "type": "user_changed_user_id", "user_id": "DE.2"}, sender=None, from_user_id="DE.1")
    ).contact
    assert (renamed.keys, renamed.becomes) == (("user:DE.1",), ("user:DE.2",))


@pytest.mark.parametrize(
    "stamp", ["soon", None, "", [], {}, True, "1e400", "-5", "0", "99999999999999999999", "9" * 400, str(AT + 200_000), "1230000000"]
)
def test_an_impossible_time_is_the_arrival(stamp: Any) -> None:
    assert single_update(whatsapp_bodies.text() | {"timestamp": stamp}).at == ARRIVED


def test_numbers_and_milliseconds_are_times_too() -> None:
    assert single_update(whatsapp_bodies.text(at=AT) | {"timestamp": AT}).at == datetime.fromtimestamp(AT, UTC)
    assert single_update(whatsapp_bodies.text() | {"timestamp": str(AT * 1000 + 250)}).at == datetime.fromtimestamp(AT, UTC) + timedelta(
        milliseconds=250
    )


GOOD = whatsapp_bodies.text("good")


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        "text",
        [],
        {},
        {"id": "x"},
        {"id": "", "from": "49"},
        {"id": 5, "from": "49", "type": "text"},
        {"id": "w" * 513, "from": "49", "type": "text"},
        {"id": "wamid.X", "type": "text", "text": {"body": "from nobody"}},
        {"id": "wamid.X", "type": "text", "from": "", "from_user_id": None},
        {"id": "wamid.X", "from": "4" * 513},
        {"id": "\0", "from": "49"},
        {"id": "wamid.X", "from": "49", "type": "reaction", "reaction": {"message_id": 5}},
        {"id": "wamid.X", "from": "49", "type": "reaction", "reaction": {"message_id": "w" * 600}},
        {"id": "wamid.X", "from": "49", "type": "text", "text": json.loads("[" * 200 + "]" * 200)},
    ],
)
def test_an_odd_item_harms_no_neighbour(bad: Any) -> None:
    webhook = parsed(
        whatsapp_bodies.change(NUMBER, messages=[GOOD, bad, whatsapp_bodies.text("second")]), whatsapp_bodies.change(NUMBER, statuses=[bad])
    )
    assert [update.content for update in webhook.updates if isinstance(update, IncomingMessage)] == ["good", "second"]
    assert [source.item for source in webhook.malformed] == [bad, bad]


@pytest.mark.parametrize(
    "bad", [None, [], {"id": "x"}, {"id": "x", "status": "teleported"}, {"id": "x", "status": ["sent"]}, {"status": "sent"}]
)
def test_an_odd_status_harms_no_neighbour(bad: Any) -> None:
    webhook = parsed(
        whatsapp_bodies.change(NUMBER, statuses=[whatsapp_bodies.status("sent", "a"), bad, whatsapp_bodies.status("read", "b")])
    )
    assert [update.external_id for update in webhook.updates if isinstance(update, StatusUpdate)] == ["a", "b"]
    assert [source.item for source in webhook.malformed] == [bad]


def test_every_array_is_walked() -> None:
    first = whatsapp_bodies.change(
        NUMBER,
        messages=[whatsapp_bodies.text("1"), whatsapp_bodies.text("2")],
        statuses=[whatsapp_bodies.status("sent", "s1")],
        errors=[{"code": 1}],
    )
    second = whatsapp_bodies.change("222", messages=[whatsapp_bodies.text("3")])
    content = whatsapp_bodies.body(first, second)
    content["entry"] += [
        {"id": "2", "changes": [whatsapp_bodies.change("333", messages=[whatsapp_bodies.text("4")])]},
        None,
        {"id": "3"},
        {"changes": [None, {}]},
    ]
    webhook = parse(whatsapp_bodies.wire(content), ARRIVED)
    assert [(update.account, update.content) for update in webhook.updates if isinstance(update, IncomingMessage)] == [
        (NUMBER, "1"), (NUMBER, "2"), ("222", "3"), ("333", "4"),
    ]  # fmt: skip
    assert len(webhook.updates) == 6
    assert len(webhook.malformed) == 4


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"metadata": {"phone_number_id": NUMBER}},
        {"metadata": None, "messages": {}},
        {"messages": [GOOD]},
        {"metadata": {}, "messages": [GOOD]},
    ],
)
def test_a_change_without_number_or_items_is_odd(value: Any) -> None:
    webhook = parsed({"field": "messages", "value": value})
    assert webhook.updates == []
    assert len(webhook.malformed) == 1


@pytest.mark.parametrize("field", ["history", "account_update", "message_template_status_update", "standby", "tomorrow", None, 7])
def test_other_fields_are_kept_for_later(field: Any) -> None:
    change = whatsapp_bodies.change(NUMBER, field=field, messages=[GOOD])
    webhook = parsed(change, whatsapp_bodies.change(NUMBER, messages=[GOOD]))
    assert len(webhook.updates) == 1
    assert webhook_envelope(webhook.unhandled) == whatsapp_bodies.body(change)


def test_what_is_in_quarantine_can_be_delivered_again() -> None:
    readable = whatsapp_bodies.change(
        NUMBER,
        messages=[whatsapp_bodies.text("a"), whatsapp_bodies.text("b")],
        statuses=[whatsapp_bodies.status("sent", "s")],
        contacts=[whatsapp_bodies.card()],
    )
    webhook = parsed(readable, whatsapp_bodies.change("222", messages=[whatsapp_bodies.text("c")]))
    some = [
        update.source
        for update in webhook.updates
        if update.account == NUMBER and not (isinstance(update, IncomingMessage) and update.content == "a")
    ]
    expected = json.loads(json.dumps(readable))
    del expected["value"]["messages"][0]
    again = webhook_envelope(some)
    assert again == whatsapp_bodies.body(expected)
    assert len(parse(whatsapp_bodies.wire(again), ARRIVED).updates) == 2


def test_nul_and_lone_surrogates_are_taken_out_and_nothing_else() -> None:
    item = (
        r'{"id":"w\u0000X","from":"49","timestamp":"1","type":"text",'
        r'"text":{"body":"a\u0000\ud83d\udc4b\ud83d b\udc4b\/\u00fc\ufffe","x\u0000":1e400,"y":1.50}}'
    )
    raw = whatsapp_bodies.wire(whatsapp_bodies.body(whatsapp_bodies.change("1", messages=["HERE"]))).decode().replace('"HERE"', item)
    (update,) = parse(raw.encode(), ARRIVED).updates
    assert isinstance(update, IncomingMessage)
    assert (update.external_id, update.content) == ("wX", "a👋 b/ü\ufffe")
    assert update.payload["text"] == {"body": "a👋 b/ü\ufffe", "x": "1e400", "y": 1.5}


def test_a_number_of_absurd_length_harms_no_neighbour() -> None:
    raw = whatsapp_bodies.wire(
        whatsapp_bodies.body(whatsapp_bodies.change(NUMBER, messages=[whatsapp_bodies.text() | {"n": "HERE"}, whatsapp_bodies.text()]))
    )
    first, second = parse(raw.replace(b'"HERE"', b"9" * 5000), ARRIVED).updates
    assert isinstance(first, IncomingMessage)
    assert first.payload["n"] == "9" * 5000
    assert isinstance(second, IncomingMessage)


def test_absurd_lengths_are_cut_and_the_raw_message_is_not() -> None:
    update = single_update(whatsapp_bodies.text("a" * 100_000), contacts=[whatsapp_bodies.card(name="n" * 1000)])
    assert len(update.content) == 65_536
    assert len(update.payload["text"]["body"]) == 100_000
    assert len(update.contact.name) == 200


def test_content_types_are_all_used() -> None:
    assert {
        ContentType.TEXT,
        ContentType.IMAGE,
        ContentType.VIDEO,
        ContentType.AUDIO,
        ContentType.FILE,
        ContentType.STICKER,
        ContentType.LOCATION,
    } == set(ContentType)
