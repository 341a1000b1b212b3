"""Campaigns, opportunities, cases, tasks and care plans, about the people there are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from crmlink_salesforce_sim.generate.people import OWNERS, Made, Maker
from crmlink_salesforce_sim.generate.words import phone
from crmlink_salesforce_sim.standard import STAGES

FIRST_DAY = date(2026, 1, 5)
CAMPAIGNS = ("Spring walk", "Back to work", "Desk health week", "Webinar: sleep", "Open day")
SUBJECTS = (
    "Cannot sign in",
    "Question about my plan",
    "Invoice is wrong",
    "Exercise video stops",
    "Wants to change clinic",
)
CALLS = ("Call", "Email", "Send Letter", "Follow up on first visit", "Ask for feedback")
GOALS = ("Less pain", "Mobility", "Strength", "Sleep", "Stress")
NOTES = "First talk went well. Wants exercises for mornings. Next step: a visit."


@dataclass(frozen=True)
class People:
    """The ids that other records are about."""

    accounts: list[str]
    contacts: list[str]
    leads: list[str]


def day(random: Random, span: int = 300) -> str:
    """Return a day of the org's first year."""
    return (FIRST_DAY + timedelta(days=random.randrange(span))).isoformat()


def some(random: Random, ids: list[str], share: float = 1.0) -> str | None:
    """Return one of the ids, or none."""
    return random.choice(ids) if ids and random.random() < share else None


def campaigns(maker: Maker, count: int) -> Iterator[Made]:
    """Return campaigns."""
    for n in range(count):
        owner = maker.owner()
        yield {
            "Id": maker.next_id("701"),
            "Name": f"{CAMPAIGNS[n % len(CAMPAIGNS)]} {2026 + n // len(CAMPAIGNS)}",
            "Type": maker.random.choice(("Webinar", "Email", "Conference")),
            "Status": maker.random.choice(("Planned", "In Progress", "Completed")),
            "StartDate": day(maker.random),
            "BudgetedCost": float(maker.random.randrange(1, 40) * 500),
            "IsActive": int(maker.share(0.7)),
            "OwnerId": owner,
            **maker.stamps(owner),
        }


def members(maker: Maker, made: list[str], people: People, count: int) -> Iterator[Made]:
    """Return members of campaigns: each person once in a campaign."""
    seen: set[tuple[str, str]] = set()
    for _ in range(count if made else 0):
        campaign, lead = maker.random.choice(made), maker.share(0.5)
        person = some(maker.random, people.leads if lead else people.contacts)
        if person is None or (campaign, person) in seen:
            continue
        seen.add((campaign, person))
        responded = maker.share(0.3)
        yield {
            "Id": maker.next_id("00v"),
            "CampaignId": campaign,
            "LeadId": person if lead else None,
            "ContactId": None if lead else person,
            "Status": "Responded" if responded else "Sent",
            "FirstRespondedDate": day(maker.random) if responded else None,
            **maker.stamps(maker.owner()),
        }


def opportunities(maker: Maker, people: People, made: list[str], count: int) -> Iterator[Made]:
    """Return opportunities of accounts, at every stage."""
    random = maker.random
    for _ in range(count):
        owner, stage = maker.owner(), random.choice(tuple(STAGES))
        yield {
            "Id": maker.next_id("006"),
            "AccountId": some(random, people.accounts, 0.95),
            "Name": f"{random.choice(maker.words.companies)} - programme",
            "StageName": stage,
            "Amount": float(random.randrange(4, 400) * 250) if maker.share(0.9) else None,
            "Probability": float(STAGES[stage][0]),
            "CloseDate": day(random),
            "Type": random.choice(("New Customer", "Existing Customer - Upgrade", None)),
            "CampaignId": some(random, made, 0.2),
            "OwnerId": owner,
            **maker.stamps(owner),
        }


def cases(maker: Maker, people: People, count: int) -> Iterator[Made]:
    """Return cases of a few contacts: who has one cannot be deleted."""
    random, few = maker.random, max(1, len(people.contacts) // 10)
    for _ in range(count):
        owner = maker.owner()
        status = random.choice(("New", "Working", "Escalated", "Closed"))
        stamps = maker.stamps(owner)
        yield {
            "Id": maker.next_id("500"),
            "ContactId": some(random, people.contacts[-few:], 0.9),
            "Subject": random.choice(SUBJECTS),
            "Status": status,
            "Priority": random.choice(("High", "Medium", "Low")),
            "Origin": random.choice(("Phone", "Email", "Web")),
            "ClosedDate": stamps["LastModifiedDate"] if status == "Closed" else None,
            "OwnerId": owner,
            **stamps,
        }


def tasks(maker: Maker, people: People, made: list[str], count: int) -> Iterator[Made]:
    """Return tasks about contacts and leads, some about an opportunity as well."""
    random = maker.random
    for _ in range(count):
        owner, stamps = maker.owner(), maker.stamps(maker.owner())
        status = random.choice(("Not Started", "In Progress", "Completed"))
        lead = maker.share(0.3)
        yield {
            "Id": maker.next_id("00T"),
            "WhoId": some(random, people.leads if lead else people.contacts),
            "WhatId": None if lead else some(random, made, 0.4),
            "Subject": random.choice(CALLS),
            "ActivityDate": day(random),
            "Status": status,
            "Priority": random.choice(("Normal", "Normal", "High", "Low")),
            "CompletedDateTime": stamps["LastModifiedDate"] if status == "Completed" else None,
            "OwnerId": owner,
            **stamps,
        }


def care_plans(maker: Maker, people: People, count: int) -> Iterator[Made]:
    """Return care plans of contacts."""
    random = maker.random
    for n in range(count if people.contacts else 0):
        chosen = sorted(random.sample(GOALS, random.randrange(1, 4)), key=GOALS.index)
        placed = maker.share(0.6)
        yield {
            "Id": maker.next_id("a00"),
            "Contact__c": random.choice(people.contacts),
            "Clinic__c": some(random, people.accounts, 0.7),
            "Coach__c": random.choice(OWNERS),
            "Plan_Key__c": f"plan-{n + 1:05d}",
            "Plan_Code__c": f"{random.choice(('BACK', 'KNEE', 'MIND'))}-{random.randrange(1, 9)}",
            "Status__c": random.choice(("Draft", "Active", "Active", "Paused", "Closed")),
            "Goals__c": ";".join(chosen),
            "Notes__c": NOTES if maker.share(0.5) else None,
            "Budget__c": float(random.randrange(2, 60) * 50),
            "Copay__c": random.choice((0.0, 10.0, 12.5, 20.0)),
            "Visits__c": float(random.randrange(1, 30)),
            "Score__c": round(random.random() * 10, 3),
            "Start_Date__c": day(random),
            "Visit_Time__c": f"{random.randrange(8, 18):02d}:30:00.000Z",
            "Consent__c": int(maker.share(0.8)),
            "Contact_Phone__c": phone(random) if maker.share(0.5) else None,
            "Place__Latitude__s": round(random.uniform(30, 48), 6) if placed else None,
            "Place__Longitude__s": round(random.uniform(-122, -71), 6) if placed else None,
            **maker.stamps(random.choice(OWNERS)),
        }
