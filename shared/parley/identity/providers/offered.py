"""What a log-in page offers."""

from parley.identity.providers.configured import providers
from parley.kernel.texts import Shown


class ProviderRead(Shown):
    name: str
    start: str


class ProvidersRead(Shown):
    items: list[ProviderRead]


def offered() -> ProvidersRead:
    """The providers that are configured, and where a log-in with each begins."""
    return ProvidersRead(items=[ProviderRead(name=kind, start=f"/v1/auth/providers/{kind}/start") for kind in sorted(providers())])
