"""Creating records: reserved, the intent committed, sent once, and never sent again in doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crmlink_common.contracts.cloudevents import Record
from crmlink_common.errors import StaleTokenError, TransientError, UnknownOutcomeError
from crmlink_common.salesforce.absence import ABSENCE_COUNTS_AFTER
from crmlink_common.salesforce.ids import to_18
from crmlink_common.salesforce.writes import Outcome as Created
from crmlink_sync_outbound.domain.intents import Ending
from crmlink_sync_outbound.domain.outcomes import (
    Kind,
    Outcome,
    backoff,
    of_refusal,
    retry,
    skipped,
)
from crmlink_sync_outbound.domain.resolving import (
    Intent,
    Wanted,
    base_of_created,
    look_again,
)
from crmlink_sync_outbound.domain.views import Terms
from crmlink_sync_outbound.domain.work import Settlement, Turn, Work
from crmlink_sync_outbound.service.ports import Org, Reservations
from crmlink_sync_outbound.service.standing import IntentBook
from crmlink_sync_outbound.service.telling import Telling

UNDER_WAY = timedelta(seconds=3)
REFUSALS = {
    "already_linked": "waiting_for_link",
    "excluded": "unlinked_by_person",
    "match_proposed": "match_proposed",
    "match_ambiguous": "ambiguous",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member to create a record for, and its intent."""

    work: Work
    wanted: Wanted
    intent: Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class Creating:
    book: IntentBook
    reservations: Reservations
    telling: Telling
    absence: timedelta = ABSENCE_COUNTS_AFTER

    async def settle(
        self, turn: Turn, org: Org, terms: Terms, wants: Mapping[str, tuple[Work, Wanted]]
    ) -> list[Settlement]:
        """Create what nobody else creates; every member gets an outcome."""
        if not wants:
            return []
        params = terms.config.entity_params
        target, field = params.target_object, params.upsert_field
        await self.book.begin(turn, [want for _, want in wants.values()], target, field)
        intents = await self.book.open(turn, wants)
        done: list[Settlement] = []
        candidates: list[Candidate] = []
        for member_id, (work, want) in wants.items():
            intent = intents.get(member_id)
            if intent is None or intent.state != "reserved":
                done.append(Settlement(work=work, outcome=retry("same_value_under_way", UNDER_WAY)))
            else:
                candidates.append(Candidate(work, want, intent))
        ready, refused = await self._reserved(turn, candidates)
        return done + refused + await self._send(turn, org, terms, ready)

    async def _reserved(
        self, turn: Turn, candidates: Sequence[Candidate]
    ) -> tuple[list[Candidate], list[Settlement]]:
        wishes = {one.intent.member_id: one.intent.intent_id for one in candidates}
        answers = await self.reservations.reserve(turn.workspace_id, wishes) if wishes else {}
        ready: list[Candidate] = []
        refused: list[Settlement] = []
        endings: list[Ending] = []
        for one in candidates:
            answer = answers.get(one.intent.member_id)
            result = answer.result if answer is not None else "unknown_member"
            if result == "reserved":
                ready.append(one)
                continue
            endings.append(_ending(one, "released", reason=result))
            if result in REFUSALS:
                outcome = skipped(REFUSALS[result])
            else:
                outcome = retry(result, backoff(one.work.attempts))
            refused.append(Settlement(work=one.work, outcome=outcome))
        await self.book.settle(turn, endings)
        return ready, refused

    async def _send(
        self, turn: Turn, org: Org, terms: Terms, ready: Sequence[Candidate]
    ) -> list[Settlement]:
        sent_at = org.server_time or datetime.now(UTC)
        ours = await self.book.send(turn, [one.intent for one in ready], sent_at) if ready else ()
        done = [
            Settlement(work=one.work, outcome=retry("link_changed", UNDER_WAY))
            for one in ready
            if one.intent.intent_id not in ours
        ]
        sending = [one for one in ready if one.intent.intent_id in ours]
        if not sending:
            return done
        target = terms.config.entity_params.target_object
        answers = await org.create(target, [dict(one.wanted.values) for one in sending])
        endings = []
        for one, answer in zip(sending, answers, strict=True):
            ending, outcome = self._came_to(one, answer, org, terms)
            endings.append(ending)
            done.append(Settlement(work=one.work, outcome=outcome))
        await self.book.settle(turn, endings)
        return done

    def _came_to(
        self, one: Candidate, answer: Created, org: Org, terms: Terms
    ) -> tuple[Ending, Outcome]:
        error = answer.error
        if error is None:
            return self._created(one, to_18(answer.record_id or ""), org, terms)
        if isinstance(error, UnknownOutcomeError):
            outcome = Outcome(
                Kind.UNKNOWN, error.salesforce_code, retry_in=look_again(self.absence)
            )
            return _ending(one, "unknown", reason=error.salesforce_code), outcome
        outcome = of_refusal(error, one.work.attempts)
        if isinstance(error, TransientError | StaleTokenError):
            return _ending(one, "reserved", reason=error.salesforce_code), outcome
        pair = one.work.pair
        message = self.telling.released(pair, one.intent.intent_id, outcome.code)
        return _ending(one, "released", reason=outcome.code, message=message), outcome

    def _created(
        self, one: Candidate, record_id: str, org: Org, terms: Terms
    ) -> tuple[Ending, Outcome]:
        pair, target = one.work.pair, terms.config.entity_params.target_object
        message = self.telling.confirmed(
            pair,
            record={"Id": record_id},
            target=target,
            org_id=org.org_id,
            origin="created",
            intent_id=one.intent.intent_id,
        )
        ending = Ending(
            entity=pair.entity,
            member_id=pair.member_id,
            intent_id=one.intent.intent_id,
            state="done",
            record_id=record_id,
            object=target,
            org_id=org.org_id,
            message=message,
            base=base_of_created(one.wanted, terms),
            seen=one.wanted.values,
            wrote_at=org.server_time,
        )
        return ending, Outcome(Kind.CREATED)


def _ending(one: Candidate, state: str, *, reason: str, message: Record | None = None) -> Ending:
    return Ending(
        entity=one.work.pair.entity,
        member_id=one.work.pair.member_id,
        intent_id=one.intent.intent_id,
        state=state,
        reason=reason,
        message=message,
    )
