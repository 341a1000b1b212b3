"""An org put together from its options."""

import sqlite3
from collections.abc import Callable
from datetime import datetime

from crmlink_salesforce_sim.clock import OrgClock
from crmlink_salesforce_sim.errors import StartError
from crmlink_salesforce_sim.generate.basics import complete
from crmlink_salesforce_sim.generate.fill import FILLED, fill
from crmlink_salesforce_sim.generate.members import read_members
from crmlink_salesforce_sim.oauth.app import callbacks, identity_of, register_callbacks
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.oauth.settings import App, AppSettings
from crmlink_salesforce_sim.oauth.tokens import Tokens
from crmlink_salesforce_sim.options import Options
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.schema import Schema, load_schema
from crmlink_salesforce_sim.schema_import import merge_documents, read_documents
from crmlink_salesforce_sim.store import Store
from crmlink_salesforce_sim.times import utc_now


def build(options: Options, now: Callable[[], datetime] = utc_now) -> Server:
    """Return an org, filled when it is new."""
    schema = load_schema(person_accounts=options.person_accounts)
    for path in options.objects:
        merge_documents(schema, read_documents(path))
    store = _opened(schema, options)
    identity = identity_of(store, options.seed)
    if store.fact(FILLED) is None:  # also after a first start that was cut short
        members = read_members(options.members_csv)
        fill(store, identity, options.seed, options.amounts, members)
    complete(store)
    store.settle()  # indexes made after the records: four times as quick
    if options.redirect_uris:
        register_callbacks(store, [*callbacks(store), *options.redirect_uris])
    clock = OrgClock(now)
    org = Org(schema, store, clock, options.daily_calls)
    usual = AppSettings(
        session_seconds=options.session_seconds,
        code_seconds=options.code_seconds,
        rotate=options.rotate,
    )
    app = App(store, clock, usual)
    return Server(org, identity, Tokens(store, identity, clock, app), app)


def _opened(schema: Schema, options: Options) -> Store:
    try:
        return Store(schema, options.data)
    except sqlite3.Error as exc:
        told = f"The data file {options.data} cannot be used ({exc}):"
        cure = "give a file in a folder that exists, made by this program or not there yet."
        raise StartError(f"{told} {cure}") from exc
