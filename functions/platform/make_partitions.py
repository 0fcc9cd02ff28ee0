"""Each day: the upkeep of tables: next months' partitions of the audit trail; old idempotency keys, receipts of messages, sessions, links,
throttles, full buckets of rate limits, claims of mails, addresses that bounced long ago, events of payments, rows that nobody tries any
more and origins of audited acts are forgotten."""

from parley.identity import links, payment_events, sessions, throttles
from parley.inbox import receipts
from parley.kernel import audit, idempotency, postponed, rate_limits
from parley.kernel.audit_partitions import Partitions
from parley.kernel.sweeps import Everywhere, Sweep
from parley.notifications import claims, suppressions

lambda_handler = Sweep(
    Partitions("partitions"),
    Everywhere("audit_origins", audit.forget, batch=audit.FORGOTTEN_AT_ONCE),
    Everywhere("idempotency_keys", idempotency.forget),
    Everywhere("receipts", receipts.forget),
    Everywhere("sessions", sessions.forget),
    Everywhere("links", links.forget),
    Everywhere("throttles", throttles.forget),
    Everywhere("rate_limits", rate_limits.forget),
    Everywhere("mail_claims", claims.forget),
    Everywhere("suppressed_addresses", suppressions.forget),
    Everywhere("payment_events", payment_events.forget),
    Everywhere("postponed_rows", postponed.forget),
)
