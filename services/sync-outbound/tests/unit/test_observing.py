"""Which rows of a batch become which statements."""

from __future__ import annotations

from crmlink_sync_outbound.service.observing import rounds


def test_each_statement_touches_a_row_once_and_the_order_of_each_row_is_kept() -> None:
    told = [("w1", 1), ("w2", 1), ("w1", 2), ("w1", 3), ("w2", 2)]
    rows = [{"workspace_id": name, "revision": revision} for name, revision in told]
    split = rounds(rows, "workspace_id")
    assert [[(one["workspace_id"], one["revision"]) for one in some] for some in split] == [
        [("w1", 1), ("w2", 1)],
        [("w1", 2), ("w2", 2)],
        [("w1", 3)],
    ]
