"""The configuration dialog: a secret is entered once and never seen again."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.enable_socket,
    pytest.mark.asyncio(loop_scope="session"),
]
Front = Any  # of conftest, which cannot be imported


async def test_an_empty_secret_keeps_the_stored_one_and_an_unchanged_form_says_so(
    front: Front,
) -> None:
    front.answer("PUT", "/connection", front.told())
    await front.show()
    await front.click("Edit")
    dialog = front.page.get_by_role("dialog", name="Edit Salesforce")
    secret = dialog.get_by_label("Client Secret")
    await expect(secret).to_have_value("")
    await expect(secret).to_have_accessible_description(
        "Consumer Secret from your Salesforce app A secret is stored; it is never shown again. "
        "Leave this empty to keep it."
    )
    await dialog.get_by_role("button", name="Save").click()
    await expect(front.page.locator("#told")).to_have_text("Nothing changed.")
    (sent,) = front.asked("PUT", "/connection")
    assert sent["client_secret"] == ""


async def test_what_was_typed_as_a_secret_is_forgotten_with_the_dialog(front: Front) -> None:
    front.answer("PUT", "/connection", front.told(status="awaiting_oauth") | {"epoch": 2})
    await front.show()
    await front.click("Edit")
    secret = front.page.get_by_role("dialog").get_by_label("Client Secret")
    await secret.fill("very-secret")
    await front.click("Cancel")
    await expect(front.page.locator("#client-secret")).to_have_value("")
    await front.click("Edit")
    await secret.fill("very-secret")
    await front.click("Save")
    await expect(front.page.locator("#told")).to_have_text("Saved.")
    await expect(front.page.locator("#client-secret")).to_have_value("")
    assert front.asked("PUT", "/connection")[0]["client_secret"] == "very-secret"


@pytest.mark.parametrize(
    ("field", "label"),
    [("client_id", "Client ID"), ("client_secret", "Client Secret"), ("login_url", "Instance URL")],
)
async def test_a_refusal_stands_beside_its_field(front: Front, field: str, label: str) -> None:
    refusal = {"title": "this is wrong", "detail": "this is wrong", "code": "x", "field": field}
    front.answer("PUT", "/connection", refusal | {"cure": "Do it so."}, 422)
    await front.show()
    await front.click("Edit")
    await front.click("Save")
    dialog = front.page.get_by_role("dialog")
    wrong = dialog.get_by_label(label)
    await expect(wrong).to_be_focused()
    await expect(wrong).to_have_attribute("aria-invalid", "true")
    await expect(dialog.get_by_role("alert")).to_have_text("This is wrong. Do it so.")
    await wrong.fill("another")
    await expect(wrong).not_to_have_attribute("aria-invalid", "true")
    await expect(dialog.get_by_role("alert")).to_have_count(0)
