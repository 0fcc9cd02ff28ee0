"""Tables of routing forms: what is asked, which answers lead where, and what was submitted."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.persistence.base_models import Base, SoftDeleted, Tenant, Timestamps, native_enum, tenant_key
from parley.scheduling.tables.enums import RoutingOperator, RoutingOutcome

ONE_FORM_SLUG = "uq_scheduling_routing_forms_slug"


class RoutingForm(Tenant, Timestamps, SoftDeleted, Base):
    """Who fits no rule goes to the fallback: an event type, an address outside, or a message; or to none. It is changed by who made it
    (`user_id`), and by administrators; one of nobody's by administrators alone.
    """

    __tablename__ = "scheduling_routing_forms"
    __table_args__ = (
        tenant_key("fallback_event_type_id", "scheduling_event_types", ondelete="NO ACTION"),
        Index(ONE_FORM_SLUG, "organization_id", "slug", unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index("ix_scheduling_routing_forms_organization_id_fallback_event_type", "organization_id", "fallback_event_type_id"),
        CheckConstraint("num_nonnulls(fallback_event_type_id, fallback_url, fallback_message) <= 1", name="fallback"),
    )

    user_id: Mapped[UUID | None]
    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    fallback_event_type_id: Mapped[UUID | None]
    fallback_url: Mapped[str | None]
    fallback_message: Mapped[str | None]


class _Compares:
    """An answer is compared with `value`: a text, a number, or a list of them, as question and operator want it (`conditions`)."""

    question_id: Mapped[UUID]
    operator: Mapped[RoutingOperator] = mapped_column(native_enum(RoutingOperator, "scheduling_routing_operator"))
    value: Mapped[Any] = mapped_column(JSONB)


class RoutingRule(_Compares, Tenant, Base):
    """Who answers so is led to the event type. The first rule by `position` that fits, and can be booked, decides."""

    __tablename__ = "scheduling_routing_rules"
    __table_args__ = (
        tenant_key("form_id", "scheduling_routing_forms"),
        tenant_key("question_id", "scheduling_questions", ondelete="NO ACTION"),
        tenant_key("event_type_id", "scheduling_event_types", ondelete="NO ACTION"),
        Index("ix_scheduling_routing_rules_organization_id_form_id", "organization_id", "form_id", "position"),
        Index("ix_scheduling_routing_rules_organization_id_question_id", "organization_id", "question_id"),
        Index("ix_scheduling_routing_rules_organization_id_event_type_id", "organization_id", "event_type_id"),
    )

    form_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(SmallInteger)
    event_type_id: Mapped[UUID]


class RoutingCondition(_Compares, Tenant, Base):
    """What has to hold as well, beside the rule's own comparison."""

    __tablename__ = "scheduling_routing_conditions"
    __table_args__ = (
        tenant_key("rule_id", "scheduling_routing_rules"),
        tenant_key("question_id", "scheduling_questions", ondelete="NO ACTION"),
        Index("ix_scheduling_routing_conditions_organization_id_rule_id", "organization_id", "rule_id", "position"),
        Index("ix_scheduling_routing_conditions_organization_id_question_id", "organization_id", "question_id"),
    )

    rule_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(SmallInteger)


class RoutingSubmission(Tenant, Timestamps, Base):
    """`rule_position` is that of the rule that decided, as the rules were then; None where the fallback did, or nothing."""

    __tablename__ = "scheduling_routing_submissions"
    __table_args__ = (
        tenant_key("form_id", "scheduling_routing_forms"),
        tenant_key("matched_event_type_id", "scheduling_event_types", ondelete="NO ACTION"),
        UniqueConstraint("organization_id", "id", "matched_event_type_id", name="uq_scheduling_routing_submissions_event_type"),
        Index("ix_scheduling_routing_submissions_organization_id_created_at", "organization_id", "created_at", "id"),
        Index("ix_scheduling_routing_submissions_organization_id_form_id", "organization_id", "form_id", "created_at", "id"),
        Index(
            "ix_scheduling_routing_submissions_organization_id_event_type",
            "organization_id",
            "matched_event_type_id",
            "created_at",
            "id",
        ),
        CheckConstraint("(outcome = 'EVENT_TYPE') = (matched_event_type_id IS NOT NULL)", name="outcome"),
    )

    form_id: Mapped[UUID]
    outcome: Mapped[RoutingOutcome] = mapped_column(native_enum(RoutingOutcome, "scheduling_routing_outcome"))
    matched_event_type_id: Mapped[UUID | None]
    rule_position: Mapped[int | None] = mapped_column(SmallInteger)
