"""Seals anew, with the first key, what older keys sealed; nothing that changed is put back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from crmlink_common.crypto.keyring import SealedTextError, key_of
from crmlink_oauth.domain.places import place_of
from crmlink_oauth.domain.tokens import name_of

log = logging.getLogger(__name__)
PAGE = 50  # rows
BETWEEN = 0.05  # seconds: callers of tokens come first


@dataclass(frozen=True, slots=True)
class SealedText:
    """One text and where it lies; ``key`` is the row's primary key."""

    table: str
    column: str
    key: Mapping[str, str]
    text: str = field(repr=False)

    @property
    def workspace(self) -> str:
        return self.key["workspace_id"]

    @property
    def place(self) -> str:
        return place_of(self.table, self.column, self.key)


class SealedTexts(Protocol):
    def tables(self) -> Sequence[str]: ...
    async def page(
        self, name: str, current: str, after: Sequence[str], size: int
    ) -> Sequence[SealedText]: ...
    async def exchange(self, found: SealedText, sealed: str) -> bool: ...
    async def counted(self) -> Mapping[str, int]: ...
    async def unnamed(self, after: str, size: int) -> Sequence[SealedText]: ...
    async def name(self, found: SealedText, refresh_hash: str) -> None: ...


class Ring(Protocol):
    current: str

    def seal(self, plain: str, *, workspace: str, column: str) -> str: ...
    def open(self, sealed: str, *, workspace: str, column: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Resealed:
    """``left``: texts by the id of the key they are sealed with, the current one not among them."""

    done: int
    unopened: int
    left: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealing:
    """May run anywhere, any number of times, beside everything else; it goes on where it was."""

    ring: Ring
    texts: SealedTexts
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def reseal(self) -> Resealed:
        """Go through all tables once, page by page."""
        done = unopened = 0
        for table in self.texts.tables():
            after: Sequence[str] = ()
            while page := await self.texts.page(table, self.ring.current, after, PAGE):
                old = [one for one in page if key_of(one.text) != self.ring.current]
                ended = [await self._exchange(one) for one in old]
                done, unopened = done + ended.count(True), unopened + ended.count(False)
                after = tuple(page[-1].key.values())
                log.info("sealed anew", extra={"table": table, "done": done, "failed": unopened})
                await self.sleep(BETWEEN)
        await self._name_all()
        left = {k: n for k, n in (await self.texts.counted()).items() if k != self.ring.current}
        return Resealed(done, unopened, left)

    async def in_background(self) -> bool:
        """Do it once; there is nothing more to do until another key comes first."""
        resealed = await self.reseal()
        if resealed.left:
            log.warning(
                "texts remain that are sealed with older keys", extra={"left": resealed.left}
            )
        return False

    async def _exchange(self, found: SealedText) -> bool | None:
        """Say whether it opened; None when it was changed meanwhile, and so sealed anew."""
        try:
            plain = self._opened(found)
        except SealedTextError:
            return False
        sealed = self.ring.seal(plain, workspace=found.workspace, column=found.place)
        return True if await self.texts.exchange(found, sealed) else None

    def _opened(self, found: SealedText) -> str:
        return self.ring.open(found.text, workspace=found.workspace, column=found.place)

    async def _name_all(self) -> None:
        after = ""
        while page := await self.texts.unnamed(after, PAGE):
            for found in page:
                with suppress(SealedTextError):  # it is counted as left
                    await self.texts.name(found, name_of(self._opened(found)))
            after = page[-1].workspace
            await self.sleep(BETWEEN)
