"""`python -m doctor`: print one line for each check, with the fix. Exit with 1 if a check failed."""

import argparse
import sys
from pathlib import Path

import requests

from infra.project import UnreadableFileError


def main() -> None:
    """Check a stack that the Pulumi CLI knows, or one that a file describes."""
    try:
        from doctor import stack  # the import reads Pulumi.yaml
        from doctor.checks import examine
    except UnreadableFileError as error:
        sys.exit(str(error))
    parser = argparse.ArgumentParser(prog="python -m doctor", description="Find what prevents users from signing in.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--stack", help="name of a stack; the Pulumi CLI is asked for it")
    which.add_argument("--file", type=Path, help='{"config": …, "outputs": …} as `pulumi … --json` prints them')
    chosen = parser.parse_args()
    try:
        target = stack.from_file(chosen.file) if chosen.file else stack.from_pulumi(chosen.stack)
    except stack.UnreadableError as error:
        sys.exit(str(error))
    failed = False
    with requests.Session() as session:
        for finding in examine(target, session):
            print(finding, flush=True)
            failed |= finding.mark == "✗"
    sys.exit(failed)


if __name__ == "__main__":
    main()
