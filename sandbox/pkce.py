"""PKCE (RFC 7636), for the two authorization servers of the sandbox."""

import base64
import hashlib


def s256(verifier: str) -> str:
    """Return the code challenge of a code verifier (section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
