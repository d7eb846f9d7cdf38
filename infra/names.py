"""Physical names: AWS limits their length and their characters, and Pulumi's autonaming does not shorten them.

`Pulumi.yaml` sets the pattern `project-stack-name-hex`. The tightest limits are Lambda functions, IAM roles, CloudFront
functions and origin access controls (64 characters) and S3 buckets (63; lower case, digits and hyphens).
"""

import re

import pulumi

MAX_NAME = 64
SUFFIX = len("-0a1b")  # the random part, ${hex(4)}
LONGEST_PART = "accounts"  # of the names of the login's functions
GRAMMAR = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


class NameTooLongError(ValueError):
    """AWS would refuse the physical name of a resource."""


def check(name: str) -> None:
    """Raise NameTooLongError where `name` leaves no room for project, stack and random part in a physical name."""
    physical = len(f"{stack()}-{name}") + SUFFIX
    if physical > MAX_NAME:
        raise NameTooLongError(
            f"{name!r} is {physical - MAX_NAME} characters too long: with the project {pulumi.get_project()!r} and the "
            f"stack {pulumi.get_stack()!r} before it AWS takes at most {MAX_NAME} characters. Shorten one of the three."
        )


def longest_stack(project: str, login: str) -> int:
    """Return how many characters a stack's name may have in this project, for a KakaoLogin of this name."""
    return MAX_NAME - SUFFIX - len(f"{project}--{login}-{LONGEST_PART}")


def stack() -> str:
    """Return `project-stack`, with which physical names begin."""
    return f"{pulumi.get_project()}-{pulumi.get_stack()}"
