from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crmlink_common.contracts.cloudevents import Deleted
from crmlink_common.contracts.members import Member
from crmlink_reconciler.domain.directory import Known, key_of, learn, reachable_otherwise


def a_member(version: int, **told: object) -> Member:
    return Member.model_validate(
        {"workspace_id": "w1", "member_id": "m1", "version": version, "email": "a@x.org", **told}
    )


def test_an_older_message_changes_nothing() -> None:
    assert learn(Known(version=2), a_member(version=2)) is None


def test_a_deletion_keeps_the_version_and_forgets_the_rest() -> None:
    known = Known(version=2, email="ada@example.com", evidence={"salesforce:id": "003"})
    assert learn(known, Deleted("w1/m1", 3)) == Known(version=3, deleted=True)


def test_a_member_may_come_back_with_a_higher_version() -> None:
    back = learn(Known(3, deleted=True), a_member(4))
    assert back is not None
    assert not back.deleted


def test_it_keeps_the_normal_e_mail_the_phone_as_given_and_our_keys_alone() -> None:
    told = a_member(
        1,
        email=" Ada@Example.COM ",
        phone="(020) 7946 0000",
        first_name="Ada",
        last_name="Lovelace",
        fields={"salesforce:id": "003x", "salesforce:owner_id": None, "shoe": 42},
    )
    assert learn(None, told) == Known(
        1, "ada@example.com", "(020) 7946 0000", "Ada Lovelace", {"salesforce:id": "003x"}
    )


def test_a_new_address_makes_what_was_found_by_the_old_one_doubtful() -> None:
    assert reachable_otherwise(Known(1, "a@x.org"), Known(2, "b@x.org"))
    assert not reachable_otherwise(Known(1, "a@x.org"), Known(2, "a@x.org", name="Ada"))
    assert not reachable_otherwise(None, Known(1, "a@x.org"))


def test_a_key_is_cut_at_its_first_slash() -> None:
    assert key_of("w1/a/b") == ("w1", "a/b")


@given(st.permutations(range(6)), st.lists(st.integers(0, 5)), st.integers(0, 5))
def test_in_any_order_and_doubled_the_newest_wins(
    order: list[int], doubled: list[int], deletion: int
) -> None:
    messages = [
        Deleted("w1/m1", v) if v == deletion else a_member(v, phone=str(v)) for v in range(6)
    ]
    known: Known | None = None
    for n in [*order, *doubled]:
        known = learn(known, messages[n]) or known
    assert known == learn(None, messages[5])
