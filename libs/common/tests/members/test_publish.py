"""Publishing members: nothing is done before it is acknowledged, and never too much at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError

from crmlink_common import cli
from crmlink_common.contracts.cloudevents import Deleted, decode
from crmlink_common.contracts.members import MEMBERS_V1, Member
from crmlink_common.errors import ContractError, TransientError
from crmlink_common.members.publish import IN_FLIGHT, MemberPublisher

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class FakeProducer:
    """Acknowledges a message a moment after it was sent, or fails it."""

    def __init__(self, *, refuse: int = -1, down: bool = False) -> None:
        self.sent: list[tuple[str, bytes, bytes | None, list[tuple[str, bytes]]]] = []
        self.open = self.most_open = 0
        self.refuse, self.down = refuse, down

    async def send(
        self, topic: str, value: bytes | None, key: bytes, *, headers: list[tuple[str, bytes]]
    ) -> asyncio.Future[None]:
        if self.down:
            raise KafkaTimeoutError
        self.sent.append((topic, key, value, headers))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        ack: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0, self._settle, ack, len(self.sent) - 1)
        return ack

    def _settle(self, ack: asyncio.Future[None], number: int) -> None:
        self.open -= 1
        if number == self.refuse:
            ack.set_exception(KafkaError("secret of the broker"))
        else:
            ack.set_result(None)


def a_member(number: int, **given: Any) -> Member:  # noqa: ANN401 - a builder
    return Member(workspace_id="w1", member_id=f"m{number}", version=1, **given)


def publisher(producer: FakeProducer) -> MemberPublisher:
    ids = count(1)
    return MemberPublisher(cast(Any, producer), now=lambda: NOON, new_id=lambda: f"e{next(ids)}")


async def test_what_is_published_is_what_the_contract_reads() -> None:
    producer = FakeProducer()
    member = a_member(1, email="ada@example.com", labels=["vip"])
    assert await publisher(producer).publish([member]) == 1
    [(topic, key, value, headers)] = producer.sent
    event = decode(MEMBERS_V1, key, value, headers)
    assert (topic, key, event.data) == ("members.v1", b"w1/m1", member)
    assert (event.attributes.id, event.attributes.time) == ("e1", NOON)


async def test_a_deletion_is_a_null_with_its_version() -> None:
    producer = FakeProducer()
    await publisher(producer).delete_member("w1", "m1", 9)
    [(_, key, value, headers)] = producer.sent
    assert value is None
    assert decode(MEMBERS_V1, key, value, headers).data == Deleted("w1/m1", 9)


async def test_many_are_all_sent_in_order_and_never_too_many_at_once() -> None:
    producer = FakeProducer()
    assert await publisher(producer).publish(a_member(n) for n in range(2_500)) == 2_500
    assert [key for _, key, _, _ in producer.sent] == [f"w1/m{n}".encode() for n in range(2_500)]
    assert (producer.open, producer.most_open) == (0, IN_FLIGHT)


async def test_one_that_is_not_acknowledged_fails_the_call() -> None:
    with pytest.raises(TransientError) as failed:
        await publisher(FakeProducer(refuse=3)).publish(a_member(n) for n in range(10))
    assert "secret" not in str(failed.value)


async def test_without_kafka_it_is_tried_later() -> None:
    for _ in range(2):
        with pytest.raises(TransientError):
            await publisher(FakeProducer(down=True)).publish([a_member(1)])


async def test_a_member_too_large_stops_after_those_before_it_are_sent() -> None:
    producer = FakeProducer()
    huge = a_member(2, fields={"text": "x" * 900_000})
    with pytest.raises(ContractError):
        await publisher(producer).publish([a_member(1), huge, a_member(3)])
    assert ([key for _, key, _, _ in producer.sent], producer.open) == ([b"w1/m1"], 0)


def run(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = cli.main(["members", "import", *arguments])
    return code, *capsys.readouterr()


def test_the_command_checks_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "members.csv"
    path.write_text("member_id,email\nm1,a@example.com\n,b@example.com\n")
    code, out, err = run([str(path), "--workspace", "w1", "--check"], capsys)
    assert (code, out) == (cli.REFUSED, "1 members read, 1 rows left out.\n")
    assert err == "line 3, column 1 (member_id): it is missing. Fill it in.\n"


def test_the_command_says_what_is_wrong_with_its_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    code, _, err = run([str(tmp_path / "absent.csv"), "--workspace", "w1", "--check"], capsys)
    assert (code, err) == (cli.REFUSED, "The file cannot be read: no such file or directory.\n")
    code, _, err = run(["any.csv", "--workspace", "w1"], capsys)
    assert (code, err) == (cli.REFUSED, "No Kafka to publish to. Give --bootstrap host:port.\n")
