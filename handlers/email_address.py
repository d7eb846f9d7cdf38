"""What counts as an e-mail address here: all of it is taken by Cognito."""

import re

# A valid e-mail address by the HTML standard, with a dot in its domain. Nothing outside ASCII: what looks like a letter
# of another's address is none, though lower-casing may make it one.
GRAMMAR = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
LONGEST = 128  # Cognito's limit for a user name (UsernameType), which an account's e-mail is


def is_email(text: str) -> bool:
    """Whether this is an address that an account can have."""
    return len(text) <= LONGEST and GRAMMAR.fullmatch(text) is not None
