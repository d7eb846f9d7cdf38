"""`python -m doctor.people --stack NAME add USER GROUP`: put users into groups, and see who is in which.

USER is an e-mail, a user name such as `kakao_1000000001`, or a `sub`. The command calls Cognito with your AWS
credentials. `--file .build/sandbox-3000.json` means the running sandbox.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from doctor import stack

SUB = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class RefusedError(Exception):
    """The command did nothing. The text says why and what to do."""


class People:
    """The users and groups of one user pool."""

    def __init__(self, client: Any, user_pool_id: str) -> None:
        """Take a boto3 client of Cognito."""
        self._client = client
        self._pool = {"UserPoolId": user_pool_id}

    def add(self, user: str, group: str) -> str:
        """AdminAddUserToGroup."""
        name = self._username(user)
        self._known(group)
        self._client.admin_add_user_to_group(**self._pool, Username=name, GroupName=group)
        return f"{name} is in {group}, from the next refresh of the session on (at most `tokenMinutes`)"

    def remove(self, user: str, group: str) -> str:
        """AdminRemoveUserFromGroup. A token that was issued before names the group until it expires."""
        name = self._username(user)
        self._known(group)
        self._client.admin_remove_user_from_group(**self._pool, Username=name, GroupName=group)
        return f"{name} is not in {group}, from the next refresh of the session on (at most `tokenMinutes`)"

    def groups_of(self, user: str) -> str:
        """AdminListGroupsForUser."""
        name = self._username(user)
        pages = self._client.get_paginator("admin_list_groups_for_user").paginate(**self._pool, Username=name)
        groups = [group["GroupName"] for page in pages for group in page["Groups"]]
        return f"{name}: {', '.join(filter(self._is_ours, groups)) or 'no group'}"

    def members_of(self, group: str) -> str:
        """ListUsersInGroup."""
        self._known(group)
        pages = self._client.get_paginator("list_users_in_group").paginate(**self._pool, GroupName=group)
        return "\n".join(user["Username"] for page in pages for user in page["Users"]) or f"nobody is in {group}"

    def _known(self, group: str) -> None:
        pages = self._client.get_paginator("list_groups").paginate(**self._pool)
        known = [one["GroupName"] for page in pages for one in page["Groups"] if self._is_ours(one["GroupName"])]
        if group not in known:
            names = ", ".join(known) or "none"
            raise RefusedError(f"There is no group {group!r}; there is: {names}. The setting `groups` declares them.")

    def _is_ours(self, group: str) -> bool:
        """Return whether a group is none that Cognito itself made for an identity provider, `<pool>_Kakao`."""
        return not group.startswith(f"{self._pool['UserPoolId']}_")

    def _username(self, user: str) -> str:
        """Return the user name of the one user that is meant. ListUsers compares an attribute with `=`."""
        if '"' in user or "\\" in user:
            raise RefusedError("A user is an e-mail, a user name or a `sub`, without quotation marks.")
        attributes = ("sub",) if SUB.fullmatch(user) else ("username", "email") if "@" in user else ("username",)
        found: dict[str, None] = {}
        for attribute in attributes:
            for spelled in dict.fromkeys((user, user.lower())):
                users = self._client.list_users(**self._pool, Filter=f'{attribute} = "{spelled}"')["Users"]
                found |= dict.fromkeys(one["Username"] for one in users)
        if not found:
            raise RefusedError(f"There is no user {user!r}. A user exists after the first sign-in.")
        if len(found) > 1:
            raise RefusedError(f"{user!r} is the e-mail of several users. Name one of them: {', '.join(found)}")
        return next(iter(found))


def main(arguments: Sequence[str] | None = None) -> str:
    """Run the command, and return what it prints. Raises RefusedError or UnreadableError."""
    parser = argparse.ArgumentParser(prog="python -m doctor.people", description="Put users into groups.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--stack", help="name of a stack; the Pulumi CLI is asked for it")
    which.add_argument("--file", type=Path, help="of a running sandbox: .build/sandbox-3000.json")
    commands = parser.add_subparsers(dest="command", required=True)
    for command, does in (("add", "put a user into a group"), ("remove", "take a user out of a group")):
        both = commands.add_parser(command, help=does)
        both.add_argument("user")
        both.add_argument("group")
    commands.add_parser("groups", help="list the groups of a user").add_argument("user")
    commands.add_parser("members", help="list the users of a group").add_argument("group")
    chosen = parser.parse_args(arguments)
    target = stack.from_file(chosen.file) if chosen.file else stack.from_pulumi(chosen.stack)
    people = People(_client(target), target.outputs["userPoolId"])
    try:
        match chosen.command:
            case "add":
                return people.add(chosen.user, chosen.group)
            case "remove":
                return people.remove(chosen.user, chosen.group)
            case "groups":
                return people.groups_of(chosen.user)
        return people.members_of(chosen.group)
    except ClientError as error:
        raise RefusedError(f"Cognito refuses it: {error.response['Error']['Code']}") from None
    except BotoCoreError as error:
        raise RefusedError(
            f"AWS cannot be reached: {type(error).__name__}. Are you signed in to the account?"
        ) from None


def _client(target: stack.Stack) -> Any:
    """Return the client for the stack's account, or for the sandbox, whose address and keys the settings have."""
    settings = target.settings
    region = settings.get("aws:region")
    endpoints = {name: url for each in json.loads(settings.get("aws:endpoints", "[]")) for name, url in each.items()}
    if "cognitoidp" not in endpoints:
        return boto3.client("cognito-idp", region_name=region)
    return boto3.client(
        "cognito-idp",
        region_name=region,
        endpoint_url=endpoints["cognitoidp"],
        aws_access_key_id=settings.get("aws:accessKey"),
        aws_secret_access_key=settings.get("aws:secretKey"),
    )


if __name__ == "__main__":
    try:
        print(main())  # noqa: T201
    except (RefusedError, stack.UnreadableError) as error:
        sys.exit(str(error))
