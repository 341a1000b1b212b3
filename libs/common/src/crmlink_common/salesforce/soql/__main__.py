"""``python -m crmlink_common.salesforce.soql check``: may these queries be asked?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from crmlink_common.salesforce.soql.checking import check


def main(arguments: Sequence[str] | None = None) -> int:
    """Read queries from the standard input, write a verdict on each; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m crmlink_common.salesforce.soql")
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help='{"q": ...} in, {"ok", "query", "error"} out')
    checking.add_argument("--max-rows", type=_positive, default=200, metavar="N")
    chosen = parser.parse_args(arguments)
    if sys.stdin is None or sys.stdout is None:
        parser.error("the standard input and output must be open")
    try:
        check(sys.stdin.buffer, sys.stdout, chosen.max_rows)
    except (BrokenPipeError, KeyboardInterrupt):
        sys.stderr.close()  # nobody reads on; the interpreter would say so again
        return 1
    return 0


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
