"""Provisioning with SCIM."""

revision = "0007_scim"
down_revision = "0006_saml"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
