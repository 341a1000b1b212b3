"""The examples of the README, as they stand there."""

import re
from pathlib import Path

import httpx
import pytest

from crmlink_salesforce_sim.oauth.server import Server

README = (Path(__file__).parents[2] / "README.md").read_text()
CONTROL = README.partition("## The control API")[2].partition("## ")[0]
ROWS = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", CONTROL, re.MULTILINE)
EXAMPLES = [(name, one) for name, told in ROWS for one in re.findall(r"`(\{.*?\})`", told)]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
async def test_an_example_of_a_setting_is_taken(
    web: httpx.AsyncClient, server: Server, name: str, example: str
) -> None:
    user = server.identity.user_id
    document = example.replace('"005…"', f'"{user}"').replace('"003…"', '"003dM0000000001QAA"')
    answer = await web.post(f"/_sim/{name}", content=document)
    assert answer.status_code == 204, answer.text
    assert (await web.get(f"/_sim/{name}")).status_code == 200
    assert (await web.delete(f"/_sim/{name}")).status_code == 204


def test_the_examples_are_found() -> None:
    """A table of another form would leave nothing to try."""
    assert len(EXAMPLES) > 20
