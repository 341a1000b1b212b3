"""Connect: send a person to Salesforce's login page, and take what comes back."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest
from urllib.parse import urlencode

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_common.crypto.keyring import SealedTextError
from crmlink_common.salesforce.hosts import HostRefusedError, checked_origin
from crmlink_common.salesforce.versions import VersionRefusedError, choose_version
from crmlink_oauth.domain.checks import ObjectAccess
from crmlink_oauth.domain.classify import classify, of_sign_in
from crmlink_oauth.domain.connection import (
    NO_INTENT,
    Connection,
    NotConfiguredError,
    connected,
    refused,
)
from crmlink_oauth.domain.places import of_verifier
from crmlink_oauth.domain.refusals import REFUSALS
from crmlink_oauth.domain.tokens import (
    SCOPES,
    Org,
    TokenAnswer,
    fingerprint,
    hashed,
    missing_access,
    name_of,
    verifier_challenge,
)
from crmlink_oauth.service.callbacks import Begun, Callback, Finished, Found, wrong_with
from crmlink_oauth.service.checking import findings, needed_objects
from crmlink_oauth.service.ports import (
    NotAnsweredError,
    Salesforce,
    SignIn,
    TokenRefusedError,
    Transaction,
    Usage,
)
from crmlink_oauth.service.setup import Setup

__all__ = ["Begun", "Callback", "Finished", "SigningIn"]
log = logging.getLogger(__name__)
VALID_FOR = timedelta(minutes=10)
MOST_BEGUN = 20  # sign-ins kept for one workspace: the oldest gives way


def new_secret() -> str:
    """Make 32 random bytes; 43 characters, as PKCE wants at least."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn:
    setup: Setup
    salesforce: Salesforce
    new_secret: Callable[[], str] = new_secret
    look_within: float = 28  # seconds; a browser waits for the callback's page meanwhile
    describe_within: float = 8

    async def begin(self, workspace_id: str, *, actor: str) -> Begun:
        """Make a single-use state, bound to this workspace, this epoch and one browser."""
        desk, state, verifier = self.setup.desk, self.new_secret(), self.new_secret()
        browser_token = self.new_secret()
        async with desk.work() as tx:
            connection = await tx.connections.find(workspace_id)
            if connection.status is ConnectionStatus.NOT_CONNECTED:
                raise NotConfiguredError("Salesforce is not configured in this workspace")
            where = of_verifier(hashed(state))
            sealed = desk.seals.seal(verifier, workspace=workspace_id, column=where)
            await tx.sign_ins.make_room(workspace_id, MOST_BEGUN - 1)
            await tx.sign_ins.add(
                SignIn(
                    workspace_id=workspace_id,
                    state_hash=hashed(state),
                    browser_hash=hashed(browser_token),
                    verifier=sealed,
                    epoch=connection.epoch,
                    actor=actor,
                    expires_at=desk.now() + VALID_FOR,
                )
            )
            begun = desk.activity(workspace_id, "connection.sign_in_begun", actor=actor)
            await tx.outbox.add([begun])
        return Begun(self._login_page(connection, state, verifier), browser_token)

    def _login_page(self, connection: Connection, state: str, verifier: str) -> str:
        asked = {
            "response_type": "code",
            "client_id": connection.client_id,
            "redirect_uri": self.setup.desk.callback_url(connection.workspace_id),
            "scope": SCOPES,
            "state": state,
            "code_challenge": verifier_challenge(verifier),
            "code_challenge_method": "S256",
        }
        return f"{connection.login_url}/services/oauth2/authorize?{urlencode(asked)}"

    async def finish(self, workspace_id: str, callback: Callback) -> Finished:
        """Use the state up, then ask Salesforce with no transaction open, then store or refuse.

        Whoever began the sign-in is who connects: the browser that comes back has no key.
        """
        desk = self.setup.desk
        async with desk.work() as tx:
            sign_in = await tx.sign_ins.lock(workspace_id, hashed(callback.state))
            connection = await tx.connections.find(workspace_id)
            wrong = wrong_with(sign_in, connection, callback, desk.now())
            if sign_in is None or wrong:
                return Finished(wrong, await self.setup.overview_of(tx, connection))
            await tx.sign_ins.use(sign_in, desk.now())
        actor = sign_in.actor
        if callback.error:
            code = of_sign_in(classify(callback.error, callback.error_description))
            return await self._refuse(connection, code, actor)
        if not callback.code:
            return await self._refuse(connection, "code_missing", actor)
        return await self._exchange(connection, sign_in, callback.code)

    async def _exchange(self, connection: Connection, sign_in: SignIn, code: str) -> Finished:
        desk, workspace_id, actor = self.setup.desk, connection.workspace_id, sign_in.actor
        try:
            answer = await self.salesforce.exchange(
                desk.app(connection),
                code=code,
                verifier=desk.seals.open(
                    sign_in.verifier,
                    workspace=workspace_id,
                    column=of_verifier(sign_in.state_hash),
                ),
                callback_url=desk.callback_url(workspace_id),
            )
        except (TokenRefusedError, NotAnsweredError) as exc:
            return await self._refuse(connection, of_sign_in(exc.code), actor)
        except SealedTextError:
            log.exception("a sealed text does not open")
            return await self._refuse(connection, "secret_unreadable", actor)
        try:
            async with asyncio.timeout(self.look_within):
                found = await self._look_around(connection, answer)
        except TimeoutError:
            return await self._refuse(connection, "not_answering", actor, answer)
        except (TokenRefusedError, NotAnsweredError, VersionRefusedError) as exc:
            return await self._refuse(connection, exc.code, actor, answer)
        except HostRefusedError:
            return await self._refuse(connection, "instance_url_refused", actor, answer)
        return await self._store(connection, found, actor)

    async def _look_around(self, connection: Connection, answer: TokenAnswer) -> Found:
        """See who and where we are, and that the API lets us in, before we say Connected."""
        if missing := missing_access(answer):
            raise TokenRefusedError(missing)
        url = checked_origin(answer.instance_url, self.setup.allowed_origins, field="instance_url")
        identity = await self.salesforce.identity(url, answer.access_token)
        if identity.org_id[:15] != answer.org_id[:15]:
            raise TokenRefusedError("unexpected_answer")
        offered = await self.salesforce.versions(url)
        version = choose_version(connection.wanted_version, offered)
        org = await self.salesforce.org(url, answer.access_token, version)
        objects, problem = await self._objects(url, answer.access_token, version)
        check = findings(self.setup, identity, org, version, objects, problem=problem)
        return Found(answer, url, identity, version, org, check)

    async def _objects(
        self, url: str, token: str, version: str
    ) -> tuple[tuple[ObjectAccess, ...], str]:
        """What cannot be found out now, such as over the daily limit, hinders nobody to connect."""
        try:
            async with asyncio.timeout(self.describe_within):
                return await needed_objects(self.salesforce, url, token, version), ""
        except TimeoutError:
            return (), "not_answering"
        except (TokenRefusedError, NotAnsweredError) as exc:
            return (), exc.code

    async def _store(self, begun: Connection, found: Found, actor: str) -> Finished:
        desk, workspace_id = self.setup.desk, begun.workspace_id
        answer = found.answer
        sealed = {
            "access_token": desk.sealed(workspace_id, "access_token", answer.access_token),
            "refresh_token": desk.sealed(workspace_id, "refresh_token", answer.refresh_token),
            "refresh_hash": name_of(answer.refresh_token),
        }
        async with desk.work() as tx:
            before = await tx.connections.lock(workspace_id)
            if before.epoch != begun.epoch:
                await self._discard(tx, before, begun, answer)
                overview = await self.setup.overview_of(tx, before)
                return Finished("connection_changed", overview)
            if before.refresh_token:
                await self._replace_old(tx, before, answer)
            after = connected(
                before,
                found.identity.org_id,
                found.org.name,
                **{**NO_INTENT, **sealed},
                instance_url=found.instance_url,
                api_version=found.version,
                fingerprint=fingerprint(answer.access_token),
                token_serial=before.token_serial + 1,
                ever_rotated=False,
                user_id=found.identity.user_id,
                user_name=found.identity.user_name,
                error_code="",
                connected_at=desk.now(),
            )
            action = f"connection.{'connected_elsewhere' if after.pending_org_id else 'connected'}"
            where = {"org_id": found.identity.org_id, "api_version": found.version}
            await desk.save(tx, after, action, actor=actor, details=where)
            await tx.checks.save(workspace_id, found.check)
            if not after.pending_org_id:  # another org's usage is none of this one's
                await self._note_usage(tx, workspace_id, found.org)
            return Finished("", await self.setup.overview_of(tx, after))

    async def _note_usage(self, tx: Transaction, workspace_id: str, org: Org) -> None:
        if org.usage is not None:
            seen = Usage("oauth", org.usage.used, org.usage.limit, self.setup.desk.now())
            await tx.usage.note(workspace_id, seen)

    async def _replace_old(self, tx: Transaction, before: Connection, answer: TokenAnswer) -> None:
        """Revoke what the new authorization replaces: Salesforce allows five per user and app."""
        if not self._holds(before, answer.refresh_token):
            await self.setup.desk.revoke_later(tx, before)

    async def _discard(
        self, tx: Transaction, held: Connection, begun: Connection, answer: TokenAnswer
    ) -> None:
        """Revoke a token that nobody will use, unless it is the one that is in use."""
        token = answer.refresh_token or answer.access_token
        if not self._holds(held, token):
            desk = self.setup.desk
            await desk.revoke_token_later(tx, begun.workspace_id, begun.login_url, token)

    def _holds(self, connection: Connection, refresh_token: str) -> bool:
        old = self.setup.desk.opened_if_possible(connection, "refresh_token")
        return compare_digest(old.encode(), refresh_token.encode())

    async def _refuse(
        self, begun: Connection, code: str, actor: str, answer: TokenAnswer | None = None
    ) -> Finished:
        """Show why; a connection that works is not hurt by a second sign-in that failed."""
        log.info("sign-in refused", extra={"code": code})
        desk = self.setup.desk
        async with desk.work() as tx:
            before = await tx.connections.lock(begun.workspace_id)
            if answer is not None:
                await self._discard(tx, before, begun, answer)
            if before.epoch != begun.epoch or before.status is ConnectionStatus.CONNECTED:
                told = desk.activity(
                    begun.workspace_id, "connection.sign_in_refused", actor=actor, code=code
                )
                await tx.outbox.add([told])
                return Finished(code, await self.setup.overview_of(tx, before))
            lasting = code in REFUSALS and REFUSALS[code].lasting
            after = refused(before, code, lasting=lasting)
            await desk.save(tx, after, "connection.sign_in_refused", actor=actor, code=code)
            return Finished(code, await self.setup.overview_of(tx, after))
