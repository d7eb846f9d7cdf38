"""Physical names: AWS limits their length and their characters, and Pulumi's autonaming does not shorten them.

`Pulumi.yaml` sets the pattern `project-stack-name-hex`. The tightest limits are those of Lambda functions, IAM roles,
CloudFront functions and origin access controls (64 characters) and of S3 buckets (63; lower-case letters, digits and
hyphens).
"""

import re

import pulumi

MAX_NAME = 64
SUFFIX = len("-0a1b")  # the random part, ${hex(4)}
LOGIN = "login"  # the name of the KakaoLogin in __main__.py
LONGEST_PART = "accounts"  # of the names of the login's functions
GRAMMAR = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
LETTERS = re.compile(r"[A-Za-z0-9_-]+")  # Lambda's names and statement ids; those of log groups and tables take more


class InvalidNameError(ValueError):
    """AWS would refuse the physical name of a resource."""


def check(name: str) -> None:
    """Raise InvalidNameError where `name` leaves no room for project, stack and random part in a physical name."""
    physical = len(f"{stack()}-{name}") + SUFFIX
    if physical > MAX_NAME:
        raise InvalidNameError(
            f"{name!r} is {physical - MAX_NAME} characters too long: with the project {pulumi.get_project()!r} and the "
            f"stack {pulumi.get_stack()!r} before it, AWS takes at most {MAX_NAME}. Shorten one of the three."
        )


def check_letters(name: str) -> None:
    """Raise InvalidNameError where AWS would refuse a letter of `name` in a physical name."""
    if not LETTERS.fullmatch(name):
        raise InvalidNameError(
            f"{name!r} cannot be the name of a resource: AWS takes letters of English, digits, hyphens and underscores."
        )


def check_stack(project: str, stack: str) -> None:
    """Raise InvalidNameError where AWS would refuse the names that begin with this project and this stack."""
    for what, name in (("project", project), ("stack", stack)):
        if not GRAMMAR.fullmatch(name):
            raise InvalidNameError(
                f"The {what} {name!r} cannot be deployed: its name is part of an S3 bucket's name, which takes "
                "lower-case letters, digits and inner hyphens."
            )
    longest = longest_stack(project)
    if len(stack) > longest:
        raise InvalidNameError(
            f"The stack {stack!r} has a name of {len(stack)} characters. With the project {project!r} AWS takes at "
            f"most {longest}: the names of Lambda functions and IAM roles have at most {MAX_NAME}."
        )


def longest_stack(project: str, login: str = LOGIN) -> int:
    """Return how many characters a stack's name may have in this project, for a KakaoLogin of this name."""
    return MAX_NAME - SUFFIX - len(f"{project}--{login}-{LONGEST_PART}")


def stack() -> str:
    """Return `project-stack`, with which physical names begin."""
    return f"{pulumi.get_project()}-{pulumi.get_stack()}"
