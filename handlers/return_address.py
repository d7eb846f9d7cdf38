"""Checks the address that a sign-in returns to, by the rules by which browsers read addresses (WHATWG URL)."""

import re
from urllib.parse import quote, unquote

from handlers import contract

PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
# Browsers percent-encode space, `"`, `<` and `>`. All other printable ASCII characters stay as they are.
UNENCODED = "".join(character for character in PRINTABLE if character not in '"<>')
# Browsers drop some control characters. They stay in the address, so that ADDRESS_PATTERN refuses it.
CONTROL_CHARACTERS = "".join(map(chr, [*range(0x20), 0x7F]))

# In a path a browser reads a backslash as a slash; after `?` or `#` it does not.
ADDRESS_PATTERN = re.compile(
    r"(?P<path>/[!$-;=@-\[\]-~]*)"
    r"(\?[!$-;=?-~]*)?"
    r"(#[!#-;=?-~]*)?"
)


def candidates(wanted: str | None) -> list[str]:
    """Return the addresses to return to, best first: `wanted`, its path alone, and `/`.

    Each is ASCII and a path of the site: it leads neither to another host nor back into the API.
    """
    address = quote((wanted or "").strip(" "), safe=UNENCODED + CONTROL_CHARACTERS, errors="surrogatepass")
    path = re.split("[?#]", address, maxsplit=1)[0]
    return [*dict.fromkeys(each for each in (address, path) if _is_local(each)), *([] if path == "/" else ["/"])]


def local_address(wanted: str | None) -> str:
    """Return the best candidate, whatever its length is."""
    return candidates(wanted)[0]


def _is_local(address: str) -> bool:
    match = ADDRESS_PATTERN.fullmatch(address)
    if not match:
        return False
    # CloudFront normalizes a path before it chooses a behavior (RFC 3986 section 6): /%61pi/ can mean /api/.
    path = unquote(match["path"]).replace("\\", "/")
    is_api = path.lower().startswith(f"{contract.API_PATH}/")
    return not path.startswith("//") and not is_api and not {".", ".."} & {*path.split("/")}
