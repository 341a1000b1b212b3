"""What a call says about how its records are to be saved."""

from collections.abc import Mapping
from dataclasses import dataclass

DUPLICATE_HEADER = "sforce-duplicate-rule-header"
ASSIGN_HEADER = "sforce-auto-assign"


@dataclass(frozen=True)
class DmlOptions:
    """The headers of a writing call that the save obeys (facts §2: request headers).

    `version` is the API version's whole number; it decides how `duplicateResult` is spelt.
    """

    version: int = 66
    allow_save_duplicates: bool = False
    include_record_details: bool = False
    auto_assign: bool = True

    @classmethod
    def of(cls, headers: Mapping[str, str], version: str) -> "DmlOptions":
        """Read the headers (lower-case names) of a call made in a version such as "59.0"."""
        duplicates = _settings(headers.get(DUPLICATE_HEADER, ""))
        return cls(
            version=int(version.partition(".")[0]),
            allow_save_duplicates=duplicates.get("allowsave") == "true",
            include_record_details=duplicates.get("includerecorddetails") == "true",
            auto_assign=headers.get(ASSIGN_HEADER, "true").strip().lower() != "false",
        )


USUAL_DML = DmlOptions()


def _settings(header: str) -> dict[str, str]:
    """Read `name=value; name=value`; a comma separates as well."""
    pairs = (one.partition("=") for one in header.replace(",", ";").split(";"))
    return {name.strip().lower(): value.strip().lower() for name, _, value in pairs}
