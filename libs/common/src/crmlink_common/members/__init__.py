"""Members as they come from outside: normal forms and files; ``publish`` takes them to Kafka."""

from crmlink_common.members.files import Imported, read_members
from crmlink_common.members.normal import (
    normal_email,
    phone_e164,
    phone_forms,
    phone_national,
    same_phone,
)
from crmlink_common.members.rows import Fault

__all__ = [
    "Fault",
    "Imported",
    "normal_email",
    "phone_e164",
    "phone_forms",
    "phone_national",
    "read_members",
    "same_phone",
]
