"""Whether somebody has yet to say which org a workspace is to use."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("org_confirmed", sa.Boolean(), server_default="true", nullable=False)
    op.add_column("connections", column)


def downgrade() -> None:
    op.drop_column("connections", "org_confirmed")
