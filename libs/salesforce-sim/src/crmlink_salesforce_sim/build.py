"""An org put together from its options."""

from collections.abc import Callable
from datetime import datetime

from crmlink_salesforce_sim.generate.fill import FILLED, fill
from crmlink_salesforce_sim.generate.members import read_members
from crmlink_salesforce_sim.oauth.app import callbacks, identity_of, register_callbacks
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.oauth.tokens import Tokens
from crmlink_salesforce_sim.options import Options
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.schema import load_schema
from crmlink_salesforce_sim.store import Store
from crmlink_salesforce_sim.times import utc_now


def build(options: Options, now: Callable[[], datetime] = utc_now) -> Server:
    """Return an org, filled when it is new."""
    schema = load_schema()
    store = Store(schema, options.data)
    identity = identity_of(store, options.seed)
    if store.fact(FILLED) is None:  # also after a first start that was cut short
        members = read_members(options.members_csv)
        fill(store, identity, options.seed, options.amounts, members)
    store.settle()  # indexes made after the records: four times as quick
    if options.redirect_uris:
        register_callbacks(store, [*callbacks(store), *options.redirect_uris])
    org = Org(schema, store, now, options.daily_calls)
    tokens = Tokens(store, identity, now, options.session_seconds, options.rotate)
    return Server(org, identity, tokens, options.code_seconds)
