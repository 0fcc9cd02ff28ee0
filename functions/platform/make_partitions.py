"""Each day: the upkeep of tables: next months' partitions of the audit trail; old idempotency keys, receipts of messages, sessions, links,
throttles, full buckets of rate limits, claims of mails, addresses that bounced long ago, events of payments, rows that nobody tries any
more and origins of audited acts are forgotten."""

from parley.identity.accounts import email_links
from parley.identity.billing import payment_events
from parley.identity.log_in import brute_force_throttle
from parley.identity.sessions import session_revocation
from parley.inbox import delivery_receipts
from parley.kernel.audit import audit
from parley.kernel.persistence import idempotency, rate_limit_buckets, sweep_retries
from parley.kernel.workers.audit_partitions import PartitionsDuty
from parley.kernel.workers.sweeps import CrossTenantDuty, Sweep
from parley.notifications.delivery import claims
from parley.notifications.email import suppressions

lambda_handler = Sweep(
    PartitionsDuty("partitions"),
    CrossTenantDuty("audit_origins", audit.forget, batch=audit.FORGOTTEN_AT_ONCE),
    CrossTenantDuty("idempotency_keys", idempotency.forget),
    CrossTenantDuty("receipts", delivery_receipts.forget),
    CrossTenantDuty("sessions", session_revocation.forget),
    CrossTenantDuty("links", email_links.forget),
    CrossTenantDuty("throttles", brute_force_throttle.forget),
    CrossTenantDuty("rate_limits", rate_limit_buckets.forget),
    CrossTenantDuty("mail_claims", claims.forget),
    CrossTenantDuty("suppressed_addresses", suppressions.forget),
    CrossTenantDuty("payment_events", payment_events.forget),
    CrossTenantDuty("postponed_rows", sweep_retries.forget),
)
