"""How many refreshes in a row have failed, those that never arrived among them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("refreshes_failed", sa.Integer(), server_default="0", nullable=False)
    op.add_column("connections", column)


def downgrade() -> None:
    op.drop_column("connections", "refreshes_failed")
