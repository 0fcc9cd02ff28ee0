"""Every 10 minutes: looks again at domains that were proven a day ago."""

from typing import Any

from aws_lambda_powertools import Logger

from parley.kernel.access.callers import system
from parley.kernel.persistence.transactions import sweep, transaction
from parley.saml.domain_proof import dns_records, mail_domains

logger = Logger("parley")
AT_ONCE = 50  # four seconds each where DNS is silent: all of them within the time limit


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    with sweep() as session:
        claims = mail_domains.due(session, AT_ONCE)
    failed = 0
    for claim in claims:
        caller = system(claim.organization_id)
        try:
            look = dns_records.look_up(claim.domain, claim.token)
            with transaction(caller) as session:
                mail_domains.settle(session, caller, claim, look)
        except Exception:  # one organization's trouble is not the next one's; the domain is put off, and proven meanwhile
            logger.exception("a domain was not looked at", organization_id=str(claim.organization_id))
            failed += 1
    logger.info("swept", extra={"looked_at": len(claims), "failed": failed})
    return {"looked_at": len(claims), "failed": failed}
