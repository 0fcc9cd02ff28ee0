"""The form of the booking page: what it asks, what was typed, and what is wrong with that."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import parse_qs

from pydantic import ValidationError

from parley.kernel.values.errors import Refusal
from parley.kernel.values.fields import storable
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _
from parley.scheduling.availability.inputs import BookableEventType, BookingQuestion
from parley.scheduling.bookings import answer_validation
from parley.scheduling.bookings.address_proofs import AddressProofNeeded, AddressProofWrong
from parley.scheduling.bookings.answer_validation import InvalidAnswers
from parley.scheduling.bookings.schemas import BookingFor
from parley.scheduling.pages import captcha
from parley.scheduling.pages.page_parameters import PageParameters, format_instant
from parley.scheduling.tables.enums import LocationType, QuestionType

_NUMBERS, _LISTS, _TEXTS = "number", "options", "text"
_PREFIX = {QuestionType.NUMBER: _NUMBERS, QuestionType.MULTI_SELECT: _LISTS}
_ANSWER = re.compile(rf"({_NUMBERS}|{_LISTS}|{_TEXTS})-([0-9a-f-]{{36}})")
_ABOUT = ("referrer", "routing_submission_id")
_KEY = re.compile(r"[0-9a-f-]{36}")
_WRONG = {
    "name": _("Enter your name, on one line of at most 200 characters."),
    "email": _("Enter an e-mail address, like name@example.com."),
    "phone": _("Enter a phone number with its country code, like +49 30 123456."),
    "notes": _("Write at most 5,000 characters."),
    "address_proof": _("Enter the six digits of the mail; leave it empty to get another one."),
}
TRAP = "homepage"
"""A field that people do not see, and machines fill in."""
_INPUTS = {QuestionType.PHONE: ("tel", "tel"), QuestionType.EMAIL: ("email", "email")}


@dataclass(frozen=True, slots=True)
class FormField:
    """An input of the form. `kind` is a question's, or EMAIL, PHONE, SHORT_TEXT and LONG_TEXT for what is asked of everybody."""

    name: str
    label: str
    kind: QuestionType
    is_required: bool
    values: list[str]
    error: str | None = None
    options: Sequence[str] = ()
    placeholder: str | None = None
    autocomplete: str = "off"
    hint: str | None = None
    most: int | None = None

    def said_in(self, words: Words) -> Self:
        """The same in a visitor's language. What an organization asks stays in its own."""
        hint, error = words(self.hint) if self.hint else None, words(self.error) if self.error else None
        return replace(self, label=words(self.label), hint=hint, error=error)

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def type(self) -> str:
        """Of an `input`."""
        return {QuestionType.PHONE: "tel", QuestionType.EMAIL: "email"}.get(self.kind, "text")

    @property
    def described_by(self) -> str:
        """The ids of what explains it, for `aria-describedby`."""
        return " ".join([f"{self.name}-hint"] * bool(self.hint) + [f"{self.name}-error"] * bool(self.error))


@dataclass(slots=True)
class FormInput:
    """What was sent: by field what was typed, what is wrong with it, and the booking that is wanted where nothing is."""

    typed: dict[str, list[str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    wanted: BookingFor | None = None
    key: str | None = None
    hold_token: str | None = None
    captcha_token: str | None = None
    is_trapped: bool = False
    asks_proof: bool = False


def digest(path: str, body: str) -> bytes:
    """What tells a form that comes again from another one under the same key."""
    return hashlib.sha256(f"{path}\n{body}".encode(errors="surrogatepass")).digest()


def parse_form(path: str, body: str) -> tuple[PageParameters, FormInput]:
    """A form of the page at `path`, as it was sent (application/x-www-form-urlencoded)."""
    form = parse_qs(body, keep_blank_values=True)
    visit = PageParameters.of(path, {name: values[0] for name, values in form.items()})
    return visit, read(form, visit)


def read(form: Mapping[str, list[str]], visit: PageParameters) -> FormInput:
    """The form as it came."""
    typed = {name: [storable(value).strip() for value in values] for name, values in form.items()}
    first_values = {name: values[0] for name, values in typed.items() if values and values[0]}
    names, answered = _answers(typed)
    invitee = {
        name: first_values.get(name) for name in ("name", "email", "phone", "notes") if first_values.get(name) or name in ("name", "email")
    }
    key, hold_token = first_values.get("once", ""), first_values.get("hold_token", "")[:100] or None
    entered = FormInput(typed, key=key if _KEY.fullmatch(key) else None, hold_token=hold_token)
    entered.captcha_token = next((first_values[widget.field] for widget in captcha.WIDGETS.values() if widget.field in first_values), None)
    entered.is_trapped = bool(first_values.get(TRAP))
    carried = {name: value for name, value in visit.carried.items() if name.startswith("utm_") or name in _ABOUT}
    if "phone" in typed and "phone" not in first_values:
        entered.errors["phone"] = _WRONG["phone"]  # the field is there only where the host calls
    try:
        entered.wanted = BookingFor.model_validate(
            {
                "start_time": visit.start and format_instant(visit.start),
                "invitee": {**invitee, "timezone": visit.timezone or "UTC"},
                "answers": answered,
                "hold_token": hold_token,
                "address_proof": first_values.get("address_proof"),
                **carried,
            }
        )
    except ValidationError as wrong:
        for error in wrong.errors():
            entered.errors |= _said(error["loc"], names)
    return entered


def _said(loc: tuple[int | str, ...], names: Sequence[str]) -> dict[str, str]:
    if loc[0] in ("invitee", "address_proof") and loc[-1] in _WRONG:
        return {str(loc[-1]): _WRONG[str(loc[-1])]}
    if loc[0] == "answers" and len(loc) > 1 and isinstance(loc[1], int):
        return {names[loc[1]]: _("This is not an answer that can be kept; it may be too long.")}
    return {}


def _answers(typed: Mapping[str, list[str]]) -> tuple[list[str], list[dict[str, Any]]]:
    """The names of the fields that answer questions, and the answers as the API takes them."""
    names: list[str] = []
    answers: list[dict[str, Any]] = []
    for name, values in typed.items():
        match = _ANSWER.fullmatch(name)
        chosen = [value for value in values if value]
        if match and chosen and len(answers) < 50:
            names.append(name)
            kind, question_id = match.groups()
            value = chosen[:100] if kind == _LISTS else _number(chosen[0]) if kind == _NUMBERS else chosen[0].replace("\r\n", "\n")
            answers.append({"question_id": question_id, "value": value})
    return names, answers


def _number(text: str) -> int | float | str:
    """What is no number stays as it is, to be refused as an answer."""
    plain = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    if re.fullmatch(r"[+-]?[0-9]{1,15}", plain, re.ASCII):
        return int(plain)
    return float(plain) if re.fullmatch(r"[+-]?[0-9]{0,15}\.[0-9]{1,15}", plain, re.ASCII) else text


def check(offer: BookableEventType, entered: FormInput) -> None:
    """Say of the answers what is wrong, where something else was, so that all is said at once."""
    if entered.wanted is None:
        _, answered = _answers(entered.typed)
        try:
            kept = BookingFor.model_validate({**_ANYBODY, "answers": answered}).answers
        except ValidationError:
            return
    else:
        kept = entered.wanted.answers
    try:
        answer_validation.check(offer.questions, kept)
    except InvalidAnswers as refusal:
        by_id = {str(question.id): name_of(question) for question in offer.questions}
        for error in refusal.extensions["errors"]:
            if name := by_id.get(error["question_id"]):
                entered.errors.setdefault(name, f"This {error['msg']}.")


def ask_for_proof(entered: FormInput, refusal: Refusal | None) -> None:
    """Show the field of the code where one was sent, or was wrong; the hold that was made meanwhile goes into the form."""
    entered.asks_proof = "address_proof" in entered.typed or isinstance(refusal, AddressProofNeeded)
    if isinstance(refusal, AddressProofNeeded):
        entered.hold_token = refusal.extensions.get("hold_token", entered.hold_token)
    if isinstance(refusal, AddressProofWrong):
        entered.errors["address_proof"] = _WRONG["address_proof"]


_OF_ANSWERS = (
    _("This needs an answer."),
    _("This must be a number."),
    _("This must be one of the question's options."),
    _("This must be a list of different options of the question."),
)
"""What `answer_validation.check` says most often, as a sentence."""
_ANYBODY = {"start_time": "2000-01-01T00:00:00Z", "invitee": {"name": "-", "email": "nobody@parley.invalid", "timezone": "UTC"}}


def name_of(question: BookingQuestion) -> str:
    """The field's name: the form of the answer, and the question's id."""
    return f"{_PREFIX.get(question.type, _TEXTS)}-{question.id}"


def fields(offer: BookableEventType, entered: FormInput, visit: PageParameters) -> list[FormField]:
    """The inputs of the form, in order, with what was typed or is known already."""
    typed, wrong = entered.typed, entered.errors
    prefilled: dict[str, list[str]] = {name: [visit.carried[name]] for name in ("name", "email") if name in visit.carried}

    def asked_of_everybody(name: str, label: str, kind: QuestionType, *, is_required: bool = True, **more: Any) -> FormField:
        return FormField(name, label, kind, is_required, typed.get(name, prefilled.get(name, [])), wrong.get(name), **more)

    made = [
        asked_of_everybody("name", _("Your name"), QuestionType.SHORT_TEXT, autocomplete="name", most=200),
        asked_of_everybody(
            "email", _("E-mail address"), QuestionType.EMAIL, autocomplete="email", most=254, hint=_("The invitation is sent there.")
        ),
    ]
    if entered.asks_proof:
        more: dict[str, Any] = {"autocomplete": "one-time-code", "most": 10, "hint": _("It was sent to your e-mail address just now.")}
        made.append(asked_of_everybody("address_proof", _("Code"), QuestionType.SHORT_TEXT, is_required=False, **more))
    if needs_phone(offer):
        made.append(
            asked_of_everybody(
                "phone", _("Phone number"), QuestionType.PHONE, autocomplete="tel", most=40, hint=_("You will be called there.")
            )
        )
    for question in offer.questions:
        name = name_of(question)
        made.append(
            FormField(
                name,
                question.label,
                question.type,
                question.required,
                typed.get(name, []),
                wrong.get(name),
                question.options,
                question.placeholder,
                _INPUTS.get(question.type, ("", "off"))[1],
                most=answer_validation.SHORT if question.type is QuestionType.SHORT_TEXT else 5000,
            )
        )
    made.append(
        asked_of_everybody("notes", _("Anything that helps to prepare the meeting"), QuestionType.LONG_TEXT, is_required=False, most=5000)
    )
    return made


def needs_phone(offer: BookableEventType) -> bool:
    """Whether the host calls the invitee."""
    return offer.event_type.location_type is LocationType.PHONE and not offer.event_type.location_value
