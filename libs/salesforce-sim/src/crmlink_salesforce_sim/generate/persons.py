"""Person Accounts: an account and a contact that are one person."""

from crmlink_salesforce_sim.generate.people import Made, Maker, contact
from crmlink_salesforce_sim.person_accounts import IS_PERSON, on_account
from crmlink_salesforce_sim.schema import SObject

OWN = ("Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById")


def person_account(maker: Maker, account: SObject) -> tuple[Made, Made]:
    """Return the two halves of a person."""
    person = contact(maker, []) | {IS_PERSON: 1}
    made: Made = {name: person[name] for name in (*OWN, "SystemModstamp", "Name", IS_PERSON)}
    made |= {"Id": maker.next_id(account.key_prefix), "PersonContactId": person["Id"]}
    for name, value in person.items():
        target = on_account(account, name)
        if target is not None and target not in made:
            made[target] = value
    return made, person | {"AccountId": made["Id"]}
