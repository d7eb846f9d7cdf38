"""The Content-Security-Policy of the site, and what a team may add to it."""

import re
from collections.abc import Mapping, Sequence

# What the login and its page need. `{style}` is the hash of the style in the error pages.
STRICT: Mapping[str, Sequence[str]] = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'", "{style}"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "manifest-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}
# The directives that a team may widen, each with the keywords and schemes that it takes beside addresses.
WIDENED: Mapping[str, Sequence[str]] = {
    "connect-src": [],
    "font-src": ["data:"],
    "form-action": [],
    "frame-src": ["'self'"],
    "img-src": ["blob:", "https:"],
    "manifest-src": [],
    "media-src": ["'self'", "blob:", "data:", "https:"],
    "script-src": ["'wasm-unsafe-eval'"],
    "style-src": ["'unsafe-inline'"],
    "worker-src": ["'self'", "blob:"],
}
HASHED = ("script-src", "style-src")
HASH = r"'sha(256-[A-Za-z0-9+/]{43}=|384-[A-Za-z0-9+/]{64}|512-[A-Za-z0-9+/]{86}==)'"
LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
ADDRESS = rf"(https|wss)://(\*\.)?({LABEL}\.)+{LABEL}(:[0-9]{{1,5}})?(/[A-Za-z0-9._~/-]*)?"
WILDCARD = r"(?:https|wss)://\*\.([^:/]+)"
# Below these, anyone can have a site: what registries and hosts give away (https://publicsuffix.org). The list has
# what a page is likely to name; Python has no such list, and a library for it is not worth a dependency.
SHARED_SUFFIX = (
    r"[^.]+"
    r"|(ac|co|com|edu|go|gov|ne|net|or|org|pe|re)\.[a-z]{2}"
    r"|(github|gitlab|ngrok)\.io|(amplifyapp|appspot|firebaseapp|githubusercontent|herokuapp|onrender)\.com"
    r"|(netlify|ngrok-free|vercel|web)\.app|(deno|fly|pages|r2|workers)\.dev|(azurewebsites|cloudfront)\.net"
    r"|supabase\.co|(.+\.)?(amazonaws\.com|run\.app|windows\.net)"
)
MAX_PORT = 65535
LOOPBACK = r"(http|ws)://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?"
REASONS = {
    "'unsafe-inline'": "with it a text that a user entered could run as a script with the session of another user",
    "'unsafe-eval'": "with it a text that a user entered could run as a script with the session of another user",
    "*": "it allows every site; name the sites",
    "http:": "it allows every site over plain http; name the sites, with https",
}


def flaw(directive: str, source: object) -> str:
    """Return why a directive may not be widened by a source, as the end of a sentence; empty where it may."""
    if directive not in WIDENED:
        return f"names {directive!r}, which is no directive that can be widened: {', '.join(WIDENED)}"
    takes = WIDENED[directive]
    if isinstance(source, str):
        if source in takes:
            return ""
        wildcard = re.match(WILDCARD, source)
        if wildcard and "https:" not in takes and re.fullmatch(SHARED_SUFFIX, wildcard[1]):
            return f"adds {source!r} to {directive}; anybody can have a site below {wildcard[1]}; name the sites"
        if re.fullmatch(f"{ADDRESS}|{LOOPBACK}", source):
            return _address_flaw(directive, source)
        if directive in HASHED and re.fullmatch(HASH, source):
            return ""
    others = [*takes, *(["the hash of an inline one"] if directive in HASHED else [])]
    expected = f"it takes addresses such as https://img.example.com{''.join(f', {other}' for other in others)}"
    reason = REASONS.get(source, "") if isinstance(source, str) else ""
    return f"adds {source!r} to {directive}; {reason or expected}"


def _address_flaw(directive: str, source: str) -> str:
    port = re.search(":([0-9]+)", source)
    if port and not 1 <= int(port[1]) <= MAX_PORT:
        return f"adds {source!r} to {directive}; a port is a number from 1 to {MAX_PORT}"
    if directive == "script-src" and re.fullmatch(LOOPBACK, source):
        return (
            f"adds {source!r} to {directive}; any program on a user's machine could then run scripts with the user's "
            "session. Serve the script with the page, or name a site with https"
        )
    return ""


def policy(style: str, added: Mapping[str, Sequence[str]]) -> str:
    """Return the policy with the sources that a team adds. `style` is the source of the error pages' style."""
    directives = {name: [source.format(style=style) for source in sources] for name, sources in STRICT.items()}
    for name, sources in added.items():
        directives[name] = list(dict.fromkeys([*directives.get(name, []), *sources]))
    if "'unsafe-inline'" in directives["style-src"]:  # a browser ignores it beside a hash (CSP3, section 6.7.3.2)
        directives["style-src"] = [source for source in directives["style-src"] if not source.startswith("'sha")]
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())
