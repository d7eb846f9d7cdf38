"""Cognito's pre authentication trigger: a Kakao person cannot sign in with a password.

Cognito calls it at Kakao sign-ins as well, from the second on, and does not say which way a person comes. But only a
person of the status EXTERNAL_PROVIDER has no password; one with another status was given it by an administrator.
"""

from typing import Any


class SignInRefusedError(Exception):
    """Cognito shows the text to the person."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Let a person through whose only way in is the one that made the account."""
    attributes = event.get("request", {}).get("userAttributes", {})
    if attributes.get("identities") and attributes.get("cognito:user_status") != "EXTERNAL_PROVIDER":
        raise SignInRefusedError("Sign in with Kakao.")
    return event
