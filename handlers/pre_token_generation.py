"""Cognito's PreTokenGeneration trigger (version 1): a token holds the setting's groups, and fits into a cookie.

A user can be in 100 groups, and a profile's attributes can be long. Each is in the ID token, and browsers drop a cookie
over 4,096 bytes. Only stacks with the setting `groups` have this trigger.
"""

import json
import logging
from typing import Any

from handlers import bugs, contract
from handlers.caller import groups_in

log = logging.getLogger(__name__)

# What Cognito adds to the attributes, generously: header, 256 bytes of signature, iss, aud, jti, nonce, times.
OWN_BYTES = 1400
NEEDED = {"sub", "email", "email_verified", "identities", "nickname"}  # left out last


@bugs.hide(log)
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Keep the groups of the setting. Leave out the longest attributes until the ID token fits into a cookie."""
    configuration = event["request"].get("groupConfiguration") or {}
    groups = [*groups_in(configuration.get("groupsToOverride"))]
    attributes = dict(event["request"]["userAttributes"])
    suppressed = []
    while attributes and _bytes(attributes, groups) > contract.MAX_COOKIE_BYTES:
        longest = max(attributes, key=lambda name: (name not in NEEDED, len(_json(attributes[name]))))
        del attributes[longest]
        if longest == "sub":  # Cognito suppresses none of its own claims
            continue
        suppressed.append(longest)
    if suppressed:
        log.warning("token_trimmed", extra={"sub": event["request"]["userAttributes"].get("sub"), "claims": suppressed})
    event["response"]["claimsOverrideDetails"] = {
        "claimsToSuppress": suppressed,
        # Without this Cognito would keep all groups; with it the roles of groups are repeated as they are.
        "groupOverrideDetails": {
            "groupsToOverride": groups,
            "iamRolesToOverride": configuration.get("iamRolesToOverride") or [],
            "preferredRole": configuration.get("preferredRole"),
        },
    }
    return event


def _bytes(attributes: dict[str, str], groups: list[str]) -> int:
    """Return how long the cookie would be: base64 makes four bytes of three."""
    claims = len(_json(attributes)) + len(_json(groups))
    return len(contract.ID_COOKIE) + OWN_BYTES + claims * 4 // 3


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
