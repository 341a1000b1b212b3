from __future__ import annotations

import asyncio
import base64
import hashlib
import json

import pytest
from pydantic import SecretStr

from crmlink_common.internal.auth import new_key_pair
from crmlink_common.storage.migrations import migrate
from crmlink_oauth.app import MIGRATIONS, SCHEMA
from crmlink_oauth.settings import Settings

KEY = base64.b64encode(hashlib.sha256(b"k1").digest()).decode()


@pytest.fixture
async def settings(kafka: str, database: str) -> Settings:
    await asyncio.to_thread(migrate, SecretStr(database), SCHEMA, MIGRATIONS)
    return Settings(
        kafka_bootstrap=kafka,
        database_dsn=SecretStr(database),
        internal_key=SecretStr(new_key_pair()[0]),
        encryption_keys=SecretStr(json.dumps({"k1": KEY})),
        public_url="http://127.0.0.1:8080",
    )
