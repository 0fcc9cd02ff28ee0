"""Single sign-on with SAML."""

revision = "0006_saml"
down_revision = "0005_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
