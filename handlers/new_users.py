"""The users whom a call of the team's function announces: each has just signed in for the first time."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Event = Mapping[str, Any]


class NewUser(NamedTuple):
    """`sub` is the key for the user's data; `provider` is `Kakao` or `Cognito`. No e-mail is announced."""

    sub: str
    provider: str


def new_users(event: Event) -> Iterator[NewUser]:
    """Yield the users in an event of the topic to which the login publishes (Amazon SNS)."""
    for record in event["Records"]:
        message = json.loads(record["Sns"]["Message"])
        yield NewUser(message["sub"], message["provider"])
