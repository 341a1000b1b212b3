"""When each connection is looked at next, and a name for each refresh token."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("refresh_hash", sa.String(), server_default="", nullable=False)
    op.add_column("connections", column)
    op.create_index("ix_connections_refresh_hash", "connections", ["refresh_hash"])
    op.create_table(
        "watches",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alive_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("watched_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_serial", sa.BigInteger(), nullable=False),
        sa.Column("token_since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id"),
    )
    op.create_index("ix_watches_due_at", "watches", ["due_at"])


def downgrade() -> None:
    op.drop_index("ix_watches_due_at", table_name="watches")
    op.drop_table("watches")
    op.drop_index("ix_connections_refresh_hash", table_name="connections")
    op.drop_column("connections", "refresh_hash")
