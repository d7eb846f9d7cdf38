"""`python -m doctor`: one line a check, with the cure; exits 1 if a check failed."""

import argparse
import sys
from pathlib import Path

import requests

from infra.project import UnreadableFileError


def main() -> None:
    """Examine a stack of Pulumi's, or the one that a file describes."""
    try:
        from doctor import stack  # they read Pulumi.yaml
        from doctor.checks import examine
    except UnreadableFileError as error:
        sys.exit(str(error))
    parser = argparse.ArgumentParser(prog="python -m doctor", description="What keeps people from signing in.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--stack", help="a stack, asked of the Pulumi CLI")
    which.add_argument("--file", type=Path, help='{"config": …, "outputs": …} as `pulumi … --json` prints them')
    chosen = parser.parse_args()
    try:
        patient = stack.from_file(chosen.file) if chosen.file else stack.from_pulumi(chosen.stack)
    except stack.UnreadableError as error:
        sys.exit(str(error))
    failed = False
    with requests.Session() as session:
        for finding in examine(patient, session):
            print(finding, flush=True)
            failed |= finding.mark == "✗"
    sys.exit(failed)


if __name__ == "__main__":
    main()
