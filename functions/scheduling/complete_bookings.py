"""Every 5 minutes: meetings that are over are completed, requests that nobody answered lapse, holds that are over go, erasures go on."""

from parley.kernel.sweeps import Everywhere, Sweep, TenantRows
from parley.scheduling import erasure, holds, sweeps

lambda_handler = Sweep(
    Everywhere("holds", holds.forget),
    TenantRows("bookings", sweeps.ended, sweeps.settle, batch=200),
    TenantRows("erased", erasure.waiting, erasure.go_on, batch=erasure.BATCH, locks=False),
)
