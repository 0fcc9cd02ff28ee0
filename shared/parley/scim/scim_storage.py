"""The resources of SCIM in the tables of the organization, for the library that speaks the protocol."""

from typing import Any

from scim2_models import Resource, ResourceType, ResponseParameters, SearchRequest
from scim2_server.storage import ScimStorage, SearchPage
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.scim import scim_search
from parley.scim.scim_groups import GroupCollection
from parley.scim.scim_users import UserCollection


class TenantStorage(ScimStorage):
    """Serves one request, in its transaction. A request that changes things holds what it reads until the commit, so that what a PATCH was
    applied to is what it replaces."""

    def __init__(self, session: Session, caller: Caller, method: str) -> None:
        self._users = UserCollection(session, caller)
        self._groups = GroupCollection(session, caller)
        self._is_changing = method in ("PUT", "PATCH", "DELETE")
        self._is_whole = method == "PUT"

    def get(
        self, resource_type: ResourceType, resource_id: str, *, response_parameters: ResponseParameters[Any] | None = None
    ) -> Resource[Any]:
        if resource_type.name == "User":
            return (self._users.hold if self._is_changing else self._users.get)(resource_id).resource()
        return self._groups.hold(resource_id) if self._is_changing else self._groups.get(resource_id, response_parameters)

    def search(self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None) -> SearchPage:
        return scim_search.page([self._users if each.name == "User" else self._groups for each in resource_types], search_request)

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        return self._users.create(resource).resource() if resource_type.name == "User" else self._groups.create(resource)

    def update(self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None) -> Resource[Any]:
        if resource_type.name == "User":
            return self._users.update(resource, expected_version, is_whole=self._is_whole).resource()
        return self._groups.update(resource, expected_version)

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        if resource_type.name == "User":
            self._users.delete(resource_id, expected_version)
        else:
            self._groups.delete(resource_id, expected_version)
