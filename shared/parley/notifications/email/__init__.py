"""Mails: their form, the way out through SES, what SES says of them afterwards, and addresses that take no more."""
