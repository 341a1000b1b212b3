"""Another org that waits to be confirmed, and what the last look at the org found."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("pending_org_id", "pending_org_name"):
        column = sa.Column(name, sa.String(), server_default="", nullable=False)
        op.add_column("connections", column)
    op.create_table(
        "checks",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("found", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id"),
    )


def downgrade() -> None:
    op.drop_table("checks")
    for name in ("pending_org_name", "pending_org_id"):
        op.drop_column("connections", name)
