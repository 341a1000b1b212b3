"""Pairs that were left alone because their record is in another org."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "pairs_other_org",
        "pairs",
        ["workspace_id", "org_id"],
        unique=False,
        postgresql_where=sa.text("outcome_code = 'other_org'"),
    )


def downgrade() -> None:
    op.drop_index(
        "pairs_other_org",
        table_name="pairs",
        postgresql_where=sa.text("outcome_code = 'other_org'"),
    )
