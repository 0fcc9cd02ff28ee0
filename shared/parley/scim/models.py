"""What a provisioning system says of members and teams and has no column of its own. Nobody else reads it."""

from typing import Any

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.persistence.base_models import Base, Tenant, Timestamps


def _same_row(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["organization_id", "id"], [f"{table}.organization_id", f"{table}.id"], ondelete="CASCADE")


class ScimUser(Tenant, Timestamps, Base):
    """A member as the organization's directory describes them; the id is the membership's. `attributes` are those of the resource that
    stand in no column. What belongs to the person (`users`) stays theirs."""

    __tablename__ = "scim_users"
    __table_args__ = (
        UniqueConstraint("organization_id", "user_name"),
        UniqueConstraint("organization_id", "external_id"),
        _same_row("organization_members"),
    )

    user_name: Mapped[str] = mapped_column(CITEXT)
    external_id: Mapped[str | None]
    attributes: Mapped[dict[str, Any]]


class ScimGroup(Tenant, Timestamps, Base):
    """A team that a directory provisions; the id is the team's."""

    __tablename__ = "scim_groups"
    __table_args__ = (UniqueConstraint("organization_id", "external_id"), _same_row("teams"))

    external_id: Mapped[str | None]
