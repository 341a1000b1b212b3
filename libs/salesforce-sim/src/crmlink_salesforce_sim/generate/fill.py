"""Filling a new org in one transaction."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from crmlink_salesforce_sim.generate import business
from crmlink_salesforce_sim.generate.basics import basics, insert
from crmlink_salesforce_sim.generate.business import People
from crmlink_salesforce_sim.generate.members import Member, of_members
from crmlink_salesforce_sim.generate.people import Made, Maker, account, contact, lead
from crmlink_salesforce_sim.generate.persons import person_account
from crmlink_salesforce_sim.generate.words import Words
from crmlink_salesforce_sim.oauth.app import Identity
from crmlink_salesforce_sim.person_accounts import IS_PERSON
from crmlink_salesforce_sim.schema import Schema
from crmlink_salesforce_sim.store import Store

FILLED = "filled"
SHARED_EMAIL = 0.02


@dataclass(frozen=True)
class Amounts:
    """How many records to make."""

    accounts: int = 40
    contacts: int = 400
    leads: int = 150
    campaigns: int = 3
    campaign_members: int = 40
    opportunities: int = 30
    cases: int = 25
    tasks: int = 40
    care_plans: int = 30
    persons: int = 10  # only in an org with Person Accounts


def fill(
    store: Store, identity: Identity, seed: int, amounts: Amounts, members: list[Member]
) -> None:
    """Put generated records into an org that has none."""
    random = Random(seed)  # noqa: S311 - practice data, the same for the same seed
    taken = frozenset(member.email.lower() for member in members)
    maker = Maker(random, Words.of(seed), taken)
    objects = store.schema.objects
    with store.writing() as connection:
        basics(connection, store.schema, identity)
        made = (account(maker) for _ in range(amounts.accounts))
        accounts = insert(connection, objects["Account"], made)
        contacts = insert(
            connection, objects["Contact"], _contacts(maker, amounts.contacts, accounts)
        )
        made = (lead(maker, accounts, contacts) for _ in range(amounts.leads))
        leads = insert(connection, objects["Lead"], made)
        of_each: dict[str, list[Made]] = {"Contact": [], "Lead": []}
        for name, row in of_members(maker, members, seed, accounts):
            of_each[name].append(row)
        for name, rows in of_each.items():
            insert(connection, objects[name], rows)
        # drawn apart, so that more of these leave the people of a seed as they are
        rest = Maker(Random(f"{seed}/business"), Words.of(seed), taken)  # noqa: S311 - as above
        rest.numbers = maker.numbers
        if IS_PERSON in objects["Account"].fields:
            _persons(connection, store.schema, rest, amounts.persons)
        _business(connection, store.schema, rest, People(accounts, contacts, leads), amounts)
        store.set_fact(FILLED, "yes")


def _business(
    connection: sqlite3.Connection, schema: Schema, maker: Maker, people: People, amounts: Amounts
) -> None:
    objects = schema.objects
    campaigns = insert(
        connection, objects["Campaign"], business.campaigns(maker, amounts.campaigns)
    )
    joined = business.members(maker, campaigns, people, amounts.campaign_members)
    insert(connection, objects["CampaignMember"], joined)
    deals = business.opportunities(maker, people, campaigns, amounts.opportunities)
    about = insert(connection, objects["Opportunity"], deals)
    insert(connection, objects["Case"], business.cases(maker, people, amounts.cases))
    insert(connection, objects["Task"], business.tasks(maker, people, about, amounts.tasks))
    plans = business.care_plans(maker, people, amounts.care_plans)
    insert(connection, objects["Care_Plan__c"], plans)


def _persons(connection: sqlite3.Connection, schema: Schema, maker: Maker, count: int) -> None:
    pairs = [person_account(maker, schema.objects["Account"]) for _ in range(count)]
    insert(connection, schema.objects["Account"], [account for account, _ in pairs])
    insert(connection, schema.objects["Contact"], [contact for _, contact in pairs])


def _contacts(maker: Maker, count: int, accounts: list[str]) -> Iterator[Made]:
    last: Made = {}
    for _ in range(count):
        shared = str(last["Email"]) if last.get("Email") and maker.share(SHARED_EMAIL) else None
        last = contact(maker, accounts, shared)
        yield last
