"""Unlinked members: found by their upsert field and adopted, or else created."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crmlink_common.salesforce.absence import ABSENCE_COUNTS_AFTER
from crmlink_common.salesforce.ids import to_18
from crmlink_sync_outbound.domain.intents import Ending
from crmlink_sync_outbound.domain.outcomes import Kind, Outcome, retry, skipped
from crmlink_sync_outbound.domain.pair import Values
from crmlink_sync_outbound.domain.resolving import (
    OBJECT,
    Intent,
    Wanted,
    absence_counts,
    compared,
    first_of_each,
    is_newer,
    lacking,
    left_alone,
    look_again,
    places_of,
    wanted,
)
from crmlink_sync_outbound.domain.views import Terms
from crmlink_sync_outbound.domain.work import Settlement, Turn, Work
from crmlink_sync_outbound.service.creating import UNDER_WAY, Creating
from crmlink_sync_outbound.service.finding import find, find_anywhere
from crmlink_sync_outbound.service.holding import unexpected
from crmlink_sync_outbound.service.ports import Org
from crmlink_sync_outbound.service.standing import IntentBook
from crmlink_sync_outbound.service.telling import Telling

BREATH = 20  # members


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlinked:
    """Decides for members without a record."""

    book: IntentBook
    creating: Creating
    telling: Telling
    absence: timedelta = ABSENCE_COUNTS_AFTER
    now: Callable[[], datetime] = _now

    async def settle(
        self, turn: Turn, org: Org, terms: Terms, work: Sequence[Work]
    ) -> list[Settlement]:
        """Give every row an outcome."""
        intents = await self.book.open(turn, [one.pair.member_id for one in work])
        doubtful = [one for one in work if _in_doubt(intents.get(one.pair.member_id))]
        done = await self._look_for(turn, org, terms, doubtful, intents)
        settled = {one.work.pair.member_id for one in done}
        wants: dict[str, tuple[Work, Wanted]] = {}
        for n, one in enumerate(work):
            if n % BREATH == 0:
                await asyncio.sleep(0)  # as in `linked`
            if one.pair.member_id in settled:
                continue
            outcome = _wish(turn, one, terms)
            if isinstance(outcome, Wanted):
                wants[one.pair.member_id] = (one, outcome)
            else:
                done.append(await self._give_up(turn, one, intents, outcome))
        return done + await self._resolve(turn, org, terms, wants)

    async def _give_up(
        self, turn: Turn, work: Work, intents: Mapping[str, Intent], outcome: Outcome
    ) -> Settlement:
        """A member that no longer takes part lets go of its reservation."""
        if (intent := intents.get(work.pair.member_id)) is not None and intent.state == "reserved":
            await self.book.settle(turn, [self._release(work, intent, outcome.code)])
        return Settlement(work=work, outcome=outcome)

    def _release(self, work: Work, intent: Intent, reason: str) -> Ending:
        return Ending(
            entity=work.pair.entity,
            member_id=work.pair.member_id,
            intent_id=intent.intent_id,
            state="released",
            reason=reason,
            message=self.telling.released(work.pair, intent.intent_id, reason),
        )

    async def _resolve(
        self, turn: Turn, org: Org, terms: Terms, wants: Mapping[str, tuple[Work, Wanted]]
    ) -> list[Settlement]:
        if not wants:
            return []
        firsts, others = first_of_each(want for _, want in wants.values())
        done = [
            Settlement(
                work=wants[one.pair.member_id][0], outcome=retry("same_value_under_way", UNDER_WAY)
            )
            for one in others
        ]
        params = terms.config.entity_params
        found = await find_anywhere(org, params.target_object, params.upsert_field, firsts)
        ids = [to_18(str(hit["Id"])) for hits in found.values() for hit in hits]
        taken = await self.book.taken(turn, ids) if ids else set()
        fresh: dict[str, tuple[Work, Wanted]] = {}
        for one in firsts:
            work = wants[one.pair.member_id][0]
            if hits := found.get(one.key, []):
                outcome = await self._found(turn, org, terms, work=work, hits=hits, taken=taken)
                done.append(Settlement(work=work, outcome=outcome))
            elif (lack := lacking(one, params.target_object)) is not None:
                done.append(Settlement(work=work, outcome=lack))
            else:
                fresh[one.pair.member_id] = (work, one)
        if terms.config.mode == "observe":
            return done + [
                Settlement(work=work, outcome=skipped("observe")) for work, _ in fresh.values()
            ]
        return done + await self.creating.settle(turn, org, terms, fresh)

    async def _found(
        self,
        turn: Turn,
        org: Org,
        terms: Terms,
        *,
        work: Work,
        hits: Sequence[Values],
        taken: set[str],
    ) -> Outcome:
        if len(hits) > 1:
            return skipped("ambiguous")
        record_id = to_18(str(hits[0]["Id"]))
        if record_id in taken:
            return skipped("record_linked_elsewhere")
        if terms.config.mode == "observe":
            return skipped("observe")
        taken.add(record_id)
        await self.book.settle(turn, [self._adopted(org, terms, work, hits[0])])
        return Outcome(Kind.ADOPTED)

    def _adopted(
        self, org: Org, terms: Terms, work: Work, record: Values, intent: Intent | None = None
    ) -> Ending:
        """Tell the reconciler; nothing is written before the link has come."""
        target = str(record.get(OBJECT) or terms.config.entity_params.target_object)
        record_id = to_18(str(record["Id"]))
        ours = intent is not None and is_newer(record, intent.sent_at)
        return Ending(
            entity=work.pair.entity,
            member_id=work.pair.member_id,
            intent_id=intent.intent_id if intent is not None else None,
            state="done",
            record_id=record_id,
            object=target,
            org_id=org.org_id,
            message=self.telling.confirmed(
                work.pair,
                record={**record, "Id": record_id},
                target=target,
                org_id=org.org_id,
                origin="created" if ours else "adopted",
                intent_id=intent.intent_id if intent is not None else "",
            ),
        )

    async def _look_for(
        self,
        turn: Turn,
        org: Org,
        terms: Terms,
        doubtful: Sequence[Work],
        intents: Mapping[str, Intent],
    ) -> list[Settlement]:
        """Look for what creates of unknown outcome may have left, again and again."""
        if not doubtful:
            return []
        found: dict[tuple[str, str], dict[str, list[Values]]] = {}
        for place, sought in places_of(intents[one.pair.member_id] for one in doubtful).items():
            found[place] = await find(org, *place, sought)
        done: list[Settlement] = []
        endings: list[Ending] = []
        for one in doubtful:
            intent = intents[one.pair.member_id]
            there = found[intent.object, intent.field]
            hits = [
                {**hit, OBJECT: intent.object}
                for hit in there.get(compared(intent.field, intent.sought), [])
            ]
            ending, outcome = self._after_look(org, terms, one, intent, hits)
            if ending is not None:
                endings.append(ending)
            if outcome is not None:
                done.append(Settlement(work=one, outcome=outcome))
        await self.book.settle(turn, endings)
        return done

    def _after_look(
        self, org: Org, terms: Terms, work: Work, intent: Intent, hits: Sequence[Values]
    ) -> tuple[Ending | None, Outcome | None]:
        if len(hits) == 1:
            ending = self._adopted(org, terms, work, hits[0], intent)
            return ending, Outcome(Kind.CREATED)
        if hits:
            return self._release(work, intent, "ambiguous"), skipped("ambiguous")
        if not absence_counts(intent, self.now(), self.absence):
            return None, Outcome(Kind.UNKNOWN, "unknown_outcome", retry_in=look_again(self.absence))
        ending = Ending(
            entity=work.pair.entity,
            member_id=work.pair.member_id,
            intent_id=intent.intent_id,
            state="reserved",
            reason="no trace",
        )
        return ending, retry("no_trace", UNDER_WAY)


def _wish(turn: Turn, work: Work, terms: Terms) -> Wanted | Outcome:
    try:
        return left_alone(work.pair, terms) or wanted(work.pair, terms)
    except Exception as exc:  # noqa: BLE001 - one member's trouble, and it is told
        return unexpected(turn, exc)


def _in_doubt(intent: Intent | None) -> bool:
    return intent is not None and intent.state in ("sending", "unknown")
