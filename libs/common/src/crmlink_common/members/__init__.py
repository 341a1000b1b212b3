"""Members as they come from outside: normal forms, files, and their way onto the bus."""

from crmlink_common.members.normal import (
    normal_email,
    phone_e164,
    phone_forms,
    phone_national,
    same_phone,
)

__all__ = [
    "normal_email",
    "phone_e164",
    "phone_forms",
    "phone_national",
    "same_phone",
]
