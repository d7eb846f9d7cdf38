"""Which address of the site a sign-in may return to, by the rules that browsers read addresses with (WHATWG URL)."""

import re
from urllib.parse import quote, unquote

PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
# URL percent-encodes space, `"`, `<` and `>` wherever they stand. All other ASCII stays as a browser shows it.
SAFE = "".join(character for character in PRINTABLE if character not in '"<>')
CONTROLS = "".join(
    map(chr, [*range(0x20), 0x7F])
)  # a browser drops some of them: left in, so that ADDRESS refuses them

# A backslash is a slash in a path, and nothing of the kind behind `?` or `#`.
ADDRESS = re.compile(
    r"(?P<path>/[!$-;=@-\[\]-~]*)"
    r"(\?[!$-;=?-~]*)?"
    r"(#[!#-;=?-~]*)?"
)


def candidates(wanted: str | None) -> list[str]:
    """Return the addresses to return to, best first: `wanted`, its path alone, and the page itself.

    Each is ASCII and, wherever it is resolved, a path of the site: it leads to no other host, nor back into the API.
    """
    address = quote((wanted or "").strip(" "), safe=SAFE + CONTROLS, errors="surrogatepass")
    path = re.split("[?#]", address, maxsplit=1)[0]
    return [*dict.fromkeys(each for each in (address, path) if _is_local(each)), *([] if path == "/" else ["/"])]


def local_address(wanted: str | None) -> str:
    """Return the best of the candidates, however long it is."""
    return candidates(wanted)[0]


def _is_local(address: str) -> bool:
    found = ADDRESS.fullmatch(address)
    if not found:
        return False
    # CloudFront normalizes a path before it chooses a behavior (RFC 3986 section 6), so that /%61pi/ may be /api/.
    path = unquote(found["path"]).replace("\\", "/")
    return not path.startswith("//") and not path.lower().startswith("/api/") and not {".", ".."} & {*path.split("/")}
