"""Mails to an organization's owner about its sources of identity: what waits for their agreement, and what stopped counting."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from parley.identity.declared import IdentityEvent
from parley.identity.models import Organization, User
from parley.kernel.access.callers import Caller
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.notifications.email.email_headers import PRODUCT
from parley.notifications.email.email_message import Mail, compose, is_deliverable, single_line
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _

FOLDER = Path(__file__).parents[1] / "templates"
DOMAIN = "identity"
_UNTIL_THEN = _("Until you agree, it changes nothing. If you do not expect it, ask who did it, and look at who your administrators are.")
_SAID: dict[str, tuple[str, list[str]]] = {
    IdentityEvent.SAML_CONNECTION_PROPOSED: (
        _("Single sign-on of %(name)s waits for you"),
        [
            _("An administrator of %(name)s has set up single sign-on, or changed it."),
            _("Whoever runs the identity provider could come in as any member that it names, but for you."),
            _("It counts once you have agreed to it."),
            _("See what it is: GET /v1/saml/connection, under awaiting. Agree: POST /v1/saml/connection/approve, with its digest."),
            _UNTIL_THEN,
        ],
    ),
    IdentityEvent.SCIM_TOKEN_PROPOSED: (
        _("A token that provisions %(name)s waits for you"),
        [
            _("An administrator of %(name)s has made a token for SCIM."),
            _("Whoever holds it adds, changes and removes members: it counts once you have agreed to it."),
            _("See it: GET /v1/scim. Agree: POST /v1/scim/tokens/{token_id}/approve."),
            _UNTIL_THEN,
        ],
    ),
    IdentityEvent.SAML_DOMAIN_LOST: (
        _("%(domain)s is not proven any more"),
        [
            _("For days, DNS had no record that proves %(domain)s to be %(name)s's."),
            _("Nobody new comes in with an address there, nor is led to your identity provider by one. Members log in as before."),
            _("The record is shown by GET /v1/saml/connection; once it is there: POST /v1/saml/domains/verify."),
        ],
    ),
}
EVENTS = tuple(_SAID)


def tell_owner(event: str) -> Callable[[Caller, dict[str, Any], Callable[[Mail], object]], None]:
    """The letter of that event. A second copy, when the event comes again, says nothing new."""

    def write(caller: Caller, payload: dict[str, Any], send: Callable[[Mail], object]) -> None:
        with transactions.transaction(caller) as session:
            wanted = select(Organization.name, User.email, User.name, User.locale).join(User, User.id == Organization.owner_id)
            owner = session.execute(wanted.where(Organization.id == caller.organization_id)).one_or_none()
        if owner is None or owner[1] is None or not is_deliverable(owner[1]):
            return
        names = {"name": single_line(owner[0])} | {name: single_line(str(value)) for name, value in payload.items()}
        entity = f"federation-{caller.organization_id}-{now():%Y%m%d%H%M}"
        send(
            _letter(
                event, names, Words(DOMAIN, languages.chosen(owner[3])), recipient=owner[1], recipient_name=owner[2] or "", entity=entity
            )
        )

    return write


def _letter(event: str, names: dict[str, str], words: Words, *, recipient: str, recipient_name: str, entity: str) -> Mail:
    subject, paragraphs = _SAID[event]
    return compose(
        recipient=recipient,
        recipient_name=recipient_name,
        subject=words("%(what)s at %(product)s", what=words(subject, **names), product=PRODUCT),
        template="letter",
        folder=FOLDER,
        entity=entity,
        paragraphs=[words(paragraph, **names) for paragraph in paragraphs],
        link=None,
        action=None,
        locale=words.locale,
    )
