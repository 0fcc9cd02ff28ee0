"""Which mailbox an address leads to: what somebody is sent counts for that, however the address is spelled."""


def mailbox_of(address: str) -> str:
    """Where mail to an address arrives, as far as that can be told: without what stands behind a `+` (RFC 5233), and Google's without full
    stops. Who invents such variants writes to one person; who owns them shares one count among them. A telephone number is itself."""
    name, at, domain = address.strip().lower().rpartition("@")
    name = name.strip('"').partition("+")[0] or name
    if domain in ("gmail.com", "googlemail.com"):
        name, domain = name.replace(".", ""), "gmail.com"
    return f"{name}{at}{domain}"
