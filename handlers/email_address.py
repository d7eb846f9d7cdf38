"""Which e-mail addresses an account can have. Cognito takes any text with an @ in it."""

import re

from handlers import contract

# Narrower than the HTML standard's valid e-mail address, on purpose:
# - ASCII only: U+212A lower-cases to k, so that an address in other letters could become another user's.
# - No `%` and `!`, by which old mail servers route, and by which URLs encode (`a%40b@x.com`).
# - No `= # & ? / ^ $ * | { }` and backtick: quoted-printable, HTML, URLs, shells and LDAP read them as syntax.
# - The first character is a letter, a digit or `_`: a spreadsheet runs a cell that begins with = + - or @ as a formula.
# - No dot at either end or beside another one (RFC 5322, dot-atom).
ADDRESS_PATTERN = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9_'+~-]*(\.[A-Za-z0-9_'+~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


def is_email(text: str) -> bool:
    """Return whether an account can have this address."""
    return len(text) <= contract.MAX_USERNAME_LENGTH and ADDRESS_PATTERN.fullmatch(text) is not None
