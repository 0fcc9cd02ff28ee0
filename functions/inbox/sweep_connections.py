"""Every 10 minutes: asks platforms whether the accounts that were confirmed a day ago are still who they belong to."""

from parley.inbox.account_checks import AccountChecks
from parley.kernel.workers.sweeps import Sweep

lambda_handler = Sweep(AccountChecks())
