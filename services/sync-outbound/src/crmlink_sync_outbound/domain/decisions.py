"""Which side of one rule gives way, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import JsonValue

from crmlink_common.contracts.sync_configs import Direction, Policy
from crmlink_common.mapping.rules import Plan, Planned
from crmlink_common.mapping.values import is_blank, same_value
from crmlink_sync_outbound.domain.pair import Base
from crmlink_sync_outbound.domain.views import View

TIE = timedelta(seconds=5)
Winner = Literal["member", "salesforce"]


class Move(StrEnum):
    NONE = "none"  # both sides agree
    SETTLED = "settled"  # they differ and stay so until one changes
    TO_SALESFORCE = "to_salesforce"
    TO_MEMBER = "to_member"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one rule; ``contest`` says that a policy had to decide."""

    move: Move
    value: JsonValue = None
    code: str = ""
    contest: Literal["", "conflict", "first_agreement"] = ""
    winner: Winner | None = None
    overwrites: bool = False  # only the other side had changed


@dataclass(frozen=True, slots=True)
class Times:
    """When each side last changed, by its own clock."""

    member: datetime | None
    record: datetime | None


def decide(view: View, base: Base | None, times: Times) -> Decision:
    """Compare both sides with the base; None: there is none, or of another rule revision."""
    if view.agreed:
        return Decision(Move.NONE)
    if base is None:
        return _first_agreement(view, times)
    member = not same_value(view.member_side, base.member)
    record = not same_value(view.record_side, base.record)
    if member and record:
        return _moved(view, _by_policy(view, times), contest="conflict")
    if not member and not record:
        return Decision(Move.SETTLED)
    changed: Winner = "member" if member else "salesforce"
    if _may_write(view, changed):
        return _moved(view, changed)
    winner = _by_policy(view, times)
    return _moved(view, winner, overwrites=True)


def _first_agreement(view: View, times: Times) -> Decision:
    """Fill a blank side; a difference is settled by policy."""
    if is_blank(view.held_record) and _offers(view.out):
        return _moved(view, "member")
    if is_blank(view.held_member) and _offers(view.into):
        return _moved(view, "salesforce")
    return _moved(view, _by_policy(view, times), contest="first_agreement")


def _by_policy(view: View, times: Times) -> Winner:
    match view.rule.effective_policy:
        case Policy.MEMBER:
            return "member"
        case Policy.SALESFORCE:
            return "salesforce"
        case Policy.SALESFORCE_UNLESS_BLANK:
            return "member" if is_blank(view.held_record) else "salesforce"
        case Policy.LATEST:
            return _latest(times)


def _latest(times: Times) -> Winner:
    if times.member is None or times.record is None:
        return "salesforce" if times.member is None else "member"
    return "member" if times.member - times.record > TIE else "salesforce"


def _moved(
    view: View,
    winner: Winner,
    *,
    contest: Literal["", "conflict", "first_agreement"] = "",
    overwrites: bool = False,
) -> Decision:
    if not _may_write(view, winner):
        return Decision(Move.SETTLED, contest=contest, winner=winner)
    plan = view.out if winner == "member" else view.into
    if not isinstance(plan, Planned):
        if contest and _is_empty(plan) and _offers(_other(view, winner)):
            return _moved(view, "salesforce" if winner == "member" else "member", contest=contest)
        return Decision(Move.SKIPPED, code=_code(plan))
    if contest == "first_agreement" and is_blank(plan.value):
        return Decision(Move.SETTLED, contest=contest)  # nothing is cleared at first sight
    move = Move.TO_SALESFORCE if winner == "member" else Move.TO_MEMBER
    return Decision(move, plan.value, contest=contest, winner=winner, overwrites=overwrites)


def _may_write(view: View, winner: Winner) -> bool:
    forbidden = Direction.INBOUND if winner == "member" else Direction.OUTBOUND
    return view.rule.direction is not forbidden


def _other(view: View, winner: Winner) -> Plan | None:
    return view.into if winner == "member" else view.out


def _offers(plan: Plan | None) -> bool:
    return isinstance(plan, Planned) and not is_blank(plan.value)


def _is_empty(plan: Plan | None) -> bool:
    return _code(plan) == "empty"


def _code(plan: Plan | None) -> str:
    return "" if plan is None or isinstance(plan, Planned) else plan.code
