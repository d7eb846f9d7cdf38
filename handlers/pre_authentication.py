"""Cognito's pre authentication trigger: a Kakao person cannot sign in with a password.

Cognito calls it at Kakao sign-ins as well, from the second on, and does not say which way a person comes. But a person
of these statuses knows no password: EXTERNAL_PROVIDER has none, and what FORCE_CHANGE_PASSWORD has was made up by
Cognito for a sign-in with a Kakao token, and told to nobody. One with another status was given it by an administrator.
"""

from typing import Any

WITHOUT_PASSWORD = ("EXTERNAL_PROVIDER", "FORCE_CHANGE_PASSWORD")


class SignInRefusedError(Exception):
    """Cognito shows the text to the person."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Let a person through whose only way in is the one that made the account."""
    attributes = event.get("request", {}).get("userAttributes", {})
    if attributes.get("identities") and attributes.get("cognito:user_status") not in WITHOUT_PASSWORD:
        raise SignInRefusedError("Sign in with Kakao.")
    return event
