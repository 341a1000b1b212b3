"""Tables of pairs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conflicts",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("conflict_id", sa.Uuid(), nullable=False),
        sa.Column("entity", sa.Text(), server_default="", nullable=False),
        sa.Column("member_id", sa.Text(), server_default="", nullable=False),
        sa.Column("record_id", sa.Text(), server_default="", nullable=False),
        sa.Column("rule_id", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("winner", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "sides", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("workspace_id", "conflict_id"),
    )
    op.create_index("conflicts_at", "conflicts", ["at"], unique=False)
    op.create_index("conflicts_newest", "conflicts", ["workspace_id", "at"], unique=False)
    op.create_table(
        "connections",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("usable", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("org_id", sa.Text(), server_default="", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id"),
    )
    op.create_table(
        "create_intents",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Uuid(), nullable=False),
        sa.Column("entity", sa.Text(), server_default="", nullable=False),
        sa.Column("member_id", sa.Text(), server_default="", nullable=False),
        sa.Column("object", sa.Text(), server_default="", nullable=False),
        sa.Column("field", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.Text(), server_default="", nullable=False),
        sa.Column("sought", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sending_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("record_id", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("workspace_id", "intent_id"),
    )
    op.create_index(
        "create_intents_ended",
        "create_intents",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("state in ('done', 'released')"),
    )
    op.create_index(
        "create_intents_open_key",
        "create_intents",
        ["workspace_id", "object", "key"],
        unique=True,
        postgresql_where=sa.text("state in ('reserved', 'sending', 'unknown')"),
    )
    op.create_index(
        "create_intents_open_member",
        "create_intents",
        ["workspace_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("state in ('reserved', 'sending', 'unknown')"),
    )
    op.create_table(
        "pairs",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column(
            "member", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("member_version", sa.BigInteger(), server_default="-1", nullable=False),
        sa.Column("member_updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("member_deleted", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("link_state", sa.Text(), server_default="", nullable=False),
        sa.Column("link_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("link_revision", sa.BigInteger(), server_default="-1", nullable=False),
        sa.Column("record_id", sa.Text(), server_default="", nullable=False),
        sa.Column("object", sa.Text(), server_default="", nullable=False),
        sa.Column("org_id", sa.Text(), server_default="", nullable=False),
        sa.Column("expected_record_id", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "record", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("record_modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("record_fate", sa.Text(), server_default="", nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_write_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reread", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "base", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "awaiting", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "swings", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome_code", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "outcome_fields", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("workspace_id", "entity", "member_id"),
    )
    op.create_index(
        "pairs_awaiting",
        "pairs",
        ["workspace_id"],
        unique=False,
        postgresql_where=sa.text("awaiting <> '{}'"),
    )
    op.create_index(
        "pairs_changed", "pairs", ["workspace_id", "entity", "changed_at"], unique=False
    )
    op.create_index(
        "pairs_deleted",
        "pairs",
        ["changed_at"],
        unique=False,
        postgresql_where=sa.text("member_deleted"),
    )
    op.create_index(
        "pairs_exceptions",
        "pairs",
        ["workspace_id", "outcome_at"],
        unique=False,
        postgresql_where=sa.text("outcome in ('skipped', 'failed', 'unknown')"),
    )
    op.create_index(
        "pairs_expected",
        "pairs",
        ["workspace_id", "expected_record_id"],
        unique=False,
        postgresql_where=sa.text("expected_record_id <> ''"),
    )
    op.create_index(
        "pairs_record",
        "pairs",
        ["workspace_id", "record_id"],
        unique=False,
        postgresql_where=sa.text("record_id <> ''"),
    )
    op.create_table(
        "pending",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("class", sa.Text(), server_default="event", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_holder", sa.Text(), server_default="", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_code", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "entity", "member_id"),
    )
    op.create_index("pending_due", "pending", ["workspace_id", "due_at"], unique=False)
    op.create_table(
        "sync_configs",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "config", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "rule_revisions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("outbound_enabled", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("inbound_enabled", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("linked_only", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "saved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("event_fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "entity"),
    )
    op.create_table(
        "workspace_queue",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("lease_holder", sa.Text(), server_default="", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_code", sa.Text(), server_default="", nullable=False),
        sa.Column("parkings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("usage_used", sa.BigInteger(), nullable=True),
        sa.Column("usage_limit", sa.BigInteger(), nullable=True),
        sa.Column("usage_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id"),
    )
    op.create_index("workspace_queue_due", "workspace_queue", ["due_at"], unique=False)
    op.create_table(
        "wakes",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column(
            "wake_id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False
        ),
        sa.Column("unpark", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "wake_id"),
    )
    op.create_table(
        "workspaces",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("crm_salesforce", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("default_region", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id"),
    )


def downgrade() -> None:
    op.drop_table("workspaces")
    op.drop_table("wakes")
    op.drop_index("workspace_queue_due", table_name="workspace_queue")
    op.drop_table("workspace_queue")
    op.drop_table("sync_configs")
    op.drop_index("pending_due", table_name="pending")
    op.drop_table("pending")
    op.drop_index("pairs_record", table_name="pairs", postgresql_where=sa.text("record_id <> ''"))
    op.drop_index(
        "pairs_expected", table_name="pairs", postgresql_where=sa.text("expected_record_id <> ''")
    )
    op.drop_index("pairs_deleted", table_name="pairs", postgresql_where=sa.text("member_deleted"))
    op.drop_index(
        "pairs_exceptions",
        table_name="pairs",
        postgresql_where=sa.text("outcome in ('skipped', 'failed', 'unknown')"),
    )
    op.drop_index("pairs_changed", table_name="pairs")
    op.drop_index(
        "pairs_awaiting", table_name="pairs", postgresql_where=sa.text("awaiting <> '{}'")
    )
    op.drop_table("pairs")
    op.drop_index(
        "create_intents_open_member",
        table_name="create_intents",
        postgresql_where=sa.text("state in ('reserved', 'sending', 'unknown')"),
    )
    op.drop_index(
        "create_intents_ended",
        table_name="create_intents",
        postgresql_where=sa.text("state in ('done', 'released')"),
    )
    op.drop_index(
        "create_intents_open_key",
        table_name="create_intents",
        postgresql_where=sa.text("state in ('reserved', 'sending', 'unknown')"),
    )
    op.drop_table("create_intents")
    op.drop_table("connections")
    op.drop_index("conflicts_newest", table_name="conflicts")
    op.drop_index("conflicts_at", table_name="conflicts")
    op.drop_table("conflicts")
