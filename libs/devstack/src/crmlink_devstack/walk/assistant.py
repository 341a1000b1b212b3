"""An assistant runtime: asks for tools on the bus, and reads the replies."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from crmlink_common.contracts.cloudevents import Deleted, decode, encode
from crmlink_common.contracts.tools import (
    TOOL_REPLIES_V1,
    TOOL_REQUESTS_V1,
    ToolReply,
    ToolRequest,
)
from crmlink_common.errors import ContractError
from crmlink_devstack.walk.surfaces import Surfaces, WalkError


async def ask_tools(
    surfaces: Surfaces, calls: list[tuple[str, dict[str, Any]]], seconds: float = 30
) -> list[ToolReply]:
    """Ask as an assistant runtime does, over the bus; return the replies in order."""
    conversation, now = f"walk-{uuid.uuid4().hex[:8]}", datetime.now(UTC)
    requests = [
        ToolRequest(
            workspace_id=surfaces.workspace_id,
            conversation_id=conversation,
            request_id=f"r{number}",
            tool=tool,
            arguments=arguments,
            deadline=now + timedelta(seconds=seconds),
        )
        for number, (tool, arguments) in enumerate(calls)
    ]
    found: dict[str, ToolReply] = {}
    async with (
        AIOKafkaConsumer(TOOL_REPLIES_V1.name, bootstrap_servers=surfaces.kafka) as consumer,
        AIOKafkaProducer(bootstrap_servers=surfaces.kafka, enable_idempotence=True) as producer,
    ):
        await consumer.seek_to_end()
        for tp in consumer.assignment():
            await consumer.position(tp)
        for request in requests:
            record = encode(
                TOOL_REQUESTS_V1,
                request,
                event_id=str(uuid.uuid4()),
                source="/assistant-runtime",
                time=now,
            )
            await producer.send_and_wait(
                record.topic, record.value, record.key, headers=record.headers
            )
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(found) < len(requests):
                    for batch in (await consumer.getmany(timeout_ms=500)).values():
                        found |= _replies(batch, conversation)
    if len(found) < len(requests):
        raise WalkError(f"{len(requests) - len(found)} requests were not answered")
    return [found[request.request_id] for request in requests]


def _replies(batch: Iterable[Any], conversation: str) -> dict[str, ToolReply]:
    found: dict[str, ToolReply] = {}
    for record in batch:
        with suppress(ContractError):
            data = decode(TOOL_REPLIES_V1, record.key, record.value, record.headers).data
            if not isinstance(data, Deleted) and data.conversation_id == conversation:
                found[data.request_id] = data
    return found
