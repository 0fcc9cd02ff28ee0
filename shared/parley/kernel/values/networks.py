"""Networks that a setting names, like 203.0.113.0/24 and 2001:db8::/32, with commas between them."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from parley.kernel.values.settings import setting

Networks = list[IPv4Network | IPv6Network]


def from_setting(name: str) -> Networks:
    """Those of a setting; none without it."""
    return [ip_network(text.strip(), strict=False) for text in setting(name, " ").split(",") if text.strip()]


def contains_address(networks: Networks, address: str | None) -> bool:
    """Whether an address lies in one of them. Raises `ValueError` for what is no address, where there are any."""
    return bool(networks) and bool(address) and any(ip_address(address or "") in network for network in networks)


def client_address(proxies: Networks, address: str, forwarded: str) -> str:
    """The client's address, where `address` came to us and X-Forwarded-For says `forwarded`: the last that is none of our proxies'.

    What such a proxy did not write is not believed.
    """
    passed = [address, *(hop.strip() for hop in reversed(forwarded.split(",")) if hop.strip())]
    try:
        return next((hop for hop in passed if not contains_address(proxies, hop)), address)
    except ValueError:
        return address
