"""The profile in the user pool that belongs to a Kakao user: its user name, and its link to the Kakao ID."""

import json
import re

from handlers import contract

# ASCII only: U+212A lower-cases to k.
USERNAME_PATTERN = re.compile(contract.KAKAO_USERNAME_PREFIX + contract.KAKAO_ID_PATTERN, re.ASCII | re.IGNORECASE)


def username(kakao_id: str) -> str:
    """Return the user name of the profile that a sign-in with a Kakao token creates."""
    return f"{contract.KAKAO_USERNAME_PREFIX}{kakao_id}"


def is_username(name: object) -> bool:
    """Return whether a sign-in with a Kakao token creates profiles with such a user name."""
    return isinstance(name, str) and USERNAME_PATTERN.fullmatch(name) is not None


def hosted_usernames(kakao_id: str) -> tuple[str, str]:
    """Return the user names that the hosted login may give. A pool that ignores case writes them in lower case."""
    name = f"{contract.PROVIDER}_{kakao_id}"
    return name.lower(), name


def is_linked(identities: object, kakao_id: str) -> bool:
    """Return whether the attribute `identities`, a JSON list, holds this Kakao ID: hosted sign-ins then land there."""
    try:
        found = json.loads(identities) if isinstance(identities, str) else []
    except (ValueError, RecursionError):
        return False
    wanted = (contract.PROVIDER, kakao_id)
    return isinstance(found, list) and any(
        isinstance(identity, dict) and (identity.get("providerName"), identity.get("userId")) == wanted
        for identity in found
    )
