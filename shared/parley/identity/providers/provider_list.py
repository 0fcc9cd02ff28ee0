"""What a log-in page offers."""

from parley.identity.providers.provider_settings import providers
from parley.kernel.values.fields import ResponseModel


class ProviderRead(ResponseModel):
    name: str
    start: str


class ProvidersRead(ResponseModel):
    items: list[ProviderRead]


def offered_providers() -> ProvidersRead:
    """The providers that are configured, and where a log-in with each begins."""
    return ProvidersRead(items=[ProviderRead(name=kind, start=f"/v1/auth/providers/{kind}/start") for kind in sorted(providers())])
