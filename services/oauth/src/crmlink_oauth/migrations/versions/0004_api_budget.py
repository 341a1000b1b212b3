"""Samples of usage for the forecast, what waits, and the shares of each workspace."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "budget_shares",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("shares", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id"),
    )
    op.create_table(
        "usage_samples",
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("limit", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "slot"),
    )
    op.create_index("ix_usage_samples_at", "usage_samples", ["at"])
    op.create_table(
        "usage_waiting",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("waiting", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "client"),
    )


def downgrade() -> None:
    op.drop_table("usage_waiting")
    op.drop_index("ix_usage_samples_at", table_name="usage_samples")
    op.drop_table("usage_samples")
    op.drop_table("budget_shares")
