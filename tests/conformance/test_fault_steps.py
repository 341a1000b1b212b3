"""Each fault that passes in each step of a Bulk 2.0 job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from crmlink_common.errors import LimitError
from crmlink_common.salesforce.bulk_way import Bulk

from .faulted import Opening, compare
from .matrix import FAULTS, INGEST_STEPS, QUERY_STEPS, READS, SEVERAL, Fault

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]
MOST_CALLS = 60  # a job takes five calls or more, some of them looks at its state
BY_JOB = Bulk(over=1, within=10)
OF_CALLS_ALONE = [fault for fault in FAULTS if not fault.writes_alone]


@pytest.mark.parametrize("step", INGEST_STEPS)
@pytest.mark.parametrize("fault", OF_CALLS_ALONE, ids=lambda fault: fault.name)
async def test_a_job_outlives_a_fault_in_any_of_its_steps(
    opening: Opening, name: Names, fault: Fault, step: str
) -> None:
    kind = "bulk upsert"
    async with opening(name(), kind) as matrix:
        await matrix.breaks(fault, 1, INGEST_STEPS[step])
        *records, wrong = matrix.world.keyed(SEVERAL + 1)
        records.append({**wrong, "Email": "nobody"})
        write = matrix.world.org.upsert("Contact", "Member_Id__c", records, bulk=BY_JOB)
        outcomes = await write
        assert len(matrix.sent.sent) <= MOST_CALLS
        left = (await asyncio.to_thread(matrix.control.http.get, f"/_sim/{fault.setting}")).json()
        assert left["rules"] == [], "the step was never taken"
        await compare(matrix, fault, kind, outcomes)
        if not fault.parks:
            assert [one.ok for one in outcomes] == [True] * SEVERAL + [False]
            assert outcomes[-1].error is not None
            assert outcomes[-1].error.salesforce_code == "INVALID_EMAIL_ADDRESS"


@pytest.mark.parametrize("step", QUERY_STEPS)
@pytest.mark.parametrize("fault", OF_CALLS_ALONE, ids=lambda fault: fault.name)
async def test_a_bulk_query_outlives_a_fault_in_any_of_its_steps(
    opening: Opening, name: Names, fault: Fault, step: str
) -> None:
    async with opening(name(), "bulk query") as matrix:
        made = await matrix.world.org.create("Contact", matrix.world.fresh(SEVERAL))
        assert all(one.ok for one in made)
        await matrix.breaks(fault, 1, QUERY_STEPS[step])
        if fault.parks:
            with pytest.raises(LimitError):
                await READS["bulk query"](matrix.world)
        else:
            assert await READS["bulk query"](matrix.world) == SEVERAL
        assert len(matrix.sent.sent) <= MOST_CALLS
