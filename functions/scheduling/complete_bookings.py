"""Every 5 minutes: meetings that are over are completed, requests that nobody answered lapse, holds that are over go, erasures go on."""

from parley.kernel.workers.sweeps import CrossTenantDuty, Sweep, TenantRowsDuty
from parley.scheduling.bookings import completion, holds
from parley.scheduling.privacy import invitee_erasure

lambda_handler = Sweep(
    CrossTenantDuty("holds", holds.delete_expired),
    TenantRowsDuty("bookings", completion.ended_bookings, completion.settle_ended, batch=200),
    TenantRowsDuty("erased", invitee_erasure.pending_erasures, invitee_erasure.continue_erasure, batch=invitee_erasure.BATCH, locks=False),
)
