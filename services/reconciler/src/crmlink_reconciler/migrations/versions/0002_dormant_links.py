"""Links in orgs that a workspace has left."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    texts = ("workspace_id", "org_id", "member_id", "record_id", "object", "account_id", "owner_id")
    op.create_table(
        "dormant_links",
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "org_id", "member_id"),
    )


def downgrade() -> None:
    op.drop_table("dormant_links")
