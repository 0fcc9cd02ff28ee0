"""Every place that makes a mail or a text has a budget, or a reason why it needs none. A new one fails here until it says which."""

from __future__ import annotations

import re
from pathlib import Path

from parley.notifications.enums import NotificationChannel
from parley.notifications.limits import daily_quotas, outreach
from parley.notifications.limits.quotas import A_DAY, MailKind

PACKAGE = Path(__file__).parents[2] / "shared" / "parley"
MADE = re.compile(
    r"(?<!def )\b(?:compose|(?:email_message\.)?draft|compose_account_mail|compose_mail|WorkflowMessage|SmsMessage|sns\.send)\("
)
TO_THE_ACCOUNT = "what was done to the account is told to its own address"
BUDGETS: dict[str, str | set[MailKind]] = {
    "identity/mails/account_mails": {MailKind.REGISTRATION, MailKind.MAGIC_LINK, MailKind.PASSWORD_RESET, MailKind.EMAIL_CHANGE},
    "identity/mails/invitation_mail": {MailKind.INVITATION},
    "scheduling/notifications/agreement_page": {MailKind.ADDRESS_AGREEMENT, MailKind.NUMBER_AGREEMENT},
    "identity/mails/single_sign_on_mail": TO_THE_ACCOUNT,
    "identity/mails/security_alert_mail": TO_THE_ACCOUNT,
    "scheduling/workflows/triggers": "`daily_quotas`, to who booked or agreed",
    "scheduling/workflows/notification_retry": "`daily_quotas`, to who booked or agreed",
    "scheduling/notifications/workflow_messages": "the form of what the two before send",
    "scheduling/workflows/workflow_worker": "hands over what the ones before have made",
    "scheduling/notifications/booking_mails": {MailKind.BOOKING},
    "scheduling/notifications/address_proof_mail": "`limits.CODES`, for the address and for the network",
    "scheduling/notifications/connection_failure_mail": TO_THE_ACCOUNT,
    "webhooks/alerts": "owners and administrators, once for each subscription that is ended",
    "notifications/email/email_message": "the form of all of them",
    "notifications/delivery/channels": "hands over what others have made",
}


def test_every_sender_has_a_budget_or_a_reason() -> None:
    senders = {str(path.relative_to(PACKAGE).with_suffix("")) for path in PACKAGE.rglob("*.py") if MADE.search(path.read_text())}
    assert senders == set(BUDGETS)
    assert set().union(*(kinds for kinds in BUDGETS.values() if isinstance(kinds, set))) == set(MailKind) == set(A_DAY)


def test_the_numbers_that_the_documents_name() -> None:
    """A bucket of a day lets through its size, and as many again less one, in 24 hours."""
    docs = Path(__file__).parents[2] / "docs"
    identity, workflows = (docs / "identity.md").read_text(), (docs / "workflows.md").read_text()
    for row, numbers in (("in a row", A_DAY.values()), ("most in 24 hours", (2 * most - 1 for most in A_DAY.values()))):
        assert f"| {row} | {' | '.join(map(str, numbers))} |" in identity
    assert f"sends {2 * outreach.STEPS[0] - 1} of them in its first 24 hours" in identity
    mails, texts = (daily_quotas.YOUNG[channel][0] for channel in (NotificationChannel.EMAIL, NotificationChannel.SMS))
    assert f"see {2 * mails} mails and {2 * texts} texts at most" in " ".join(workflows.split())
