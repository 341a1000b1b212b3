"""What each cursor watches."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "capture_due", sa.Column("parked", sa.Boolean(), server_default="false", nullable=False)
    )
    op.add_column(
        "capture_due", sa.Column("told_error", sa.Text(), server_default="", nullable=False)
    )
    op.drop_column("capture_due", "last_safety_at")
    op.add_column(
        "cursors",
        sa.Column("watched", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("cursors", sa.Column("reread_after", sa.Text(), nullable=True))
    op.add_column("cursors", sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cursors", sa.Column("look_back_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("cursors", "look_back_at")
    op.drop_column("cursors", "verified_at")
    op.drop_column("cursors", "reread_after")
    op.drop_column("cursors", "watched")
    op.add_column(
        "capture_due",
        sa.Column(
            "last_safety_at",
            postgresql.TIMESTAMP(timezone=True),
            autoincrement=False,
            nullable=True,
        ),
    )
    op.drop_column("capture_due", "told_error")
    op.drop_column("capture_due", "parked")
