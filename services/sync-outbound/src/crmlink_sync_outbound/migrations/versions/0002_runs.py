"""Tables of runs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "entity", "direction"),
    )
    op.create_table(
        "run_items",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("fields", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("record_id", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("workspace_id", "run_id", "entity", "member_id"),
    )
    op.create_table(
        "run_marks",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counted", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "run_id", "entity", "member_id"),
    )
    op.create_index(
        "run_marks_member",
        "run_marks",
        ["workspace_id", "entity", "member_id"],
        unique=False,
        postgresql_where=sa.text("not counted"),
    )
    op.create_index(
        "run_marks_open",
        "run_marks",
        ["workspace_id", "run_id"],
        unique=False,
        postgresql_where=sa.text("not counted"),
    )
    op.create_table(
        "run_tallies",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "run_id", "name"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), server_default="", nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "counts", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "params", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "checkpoint",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("requested_by", sa.Text(), server_default="", nullable=False),
        sa.Column("error_code", sa.Text(), server_default="", nullable=False),
        sa.Column("error_message", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waits_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_holder", sa.Text(), server_default="", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "runs_due",
        "runs",
        ["waits_until"],
        unique=False,
        postgresql_where=sa.text(
            "status in ('queued', 'running', 'waiting_for_budget', 'cancelling')"
        ),
    )
    op.create_index("runs_of_workspace", "runs", ["workspace_id", "created_at"], unique=False)
    op.create_index(
        "runs_one_active",
        "runs",
        ["workspace_id", "entity", "kind", "direction"],
        unique=True,
        postgresql_where=sa.text(
            "status in ('queued', 'running', 'waiting_for_budget', 'cancelling')"
        ),
    )


def downgrade() -> None:
    op.drop_index(
        "runs_one_active",
        table_name="runs",
        postgresql_where=sa.text(
            "status in ('queued', 'running', 'waiting_for_budget', 'cancelling')"
        ),
    )
    op.drop_index("runs_of_workspace", table_name="runs")
    op.drop_index(
        "runs_due",
        table_name="runs",
        postgresql_where=sa.text(
            "status in ('queued', 'running', 'waiting_for_budget', 'cancelling')"
        ),
    )
    op.drop_table("runs")
    op.drop_table("run_tallies")
    op.drop_index("run_marks_open", table_name="run_marks", postgresql_where=sa.text("not counted"))
    op.drop_index(
        "run_marks_member", table_name="run_marks", postgresql_where=sa.text("not counted")
    )
    op.drop_table("run_marks")
    op.drop_table("run_items")
    op.drop_table("checkpoints")
