from __future__ import annotations

import pytest

from crmlink_oauth.fakes.org import FakeOrg
from crmlink_oauth.fakes.store import FakeStore
from crmlink_oauth.fakes.world import World


@pytest.fixture
def org() -> FakeOrg:
    return FakeOrg()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def world(org: FakeOrg, store: FakeStore) -> World:
    return World(org, store)
