"""Connections that were deleted, and the configurations that went with them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connections", sa.Column("ended_at", sa.DateTime(timezone=True)))
    op.create_index(
        "connections_ended",
        "connections",
        ["ended_at", "workspace_id"],
        postgresql_where=sa.text("ended_at is not null"),
    )
    op.add_column("sync_configs", sa.Column("deleted_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("sync_configs", "deleted_at")
    op.drop_index("connections_ended", table_name="connections")
    op.drop_column("connections", "ended_at")
