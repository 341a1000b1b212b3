"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crmlink_common.salesforce.fakes import FakeOrg


@pytest.fixture
async def fake() -> AsyncIterator[FakeOrg]:
    fake = FakeOrg()
    yield fake
    await fake.orgs.aclose()
