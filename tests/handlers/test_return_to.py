"""Where a login may return to: an address of the site, by the rules with which browsers parse addresses.

Node.js resolves each address, because its `URL` is WHATWG's, as a browser's is.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from handlers.return_address import candidates, local_address
from tests.handlers.conftest import SITE, id_token
from tests.handlers.web_client import Client
from tests.processes import process

KEPT = [
    "/",
    "/x",
    "/board/7",
    "/board/7?sort=new&page=2",
    "/board/7#comment-3",
    "/board?filter[status]=open&by={name}|^`\\",
    "/wiki/[2026]|{a}^`~",
    "/files/a%2Fb%5Cc",
    "/a//b",
    "/a%20b?c=%ED%95%9C#%ED%95%9C",
    "/x?next=https://e.example/#/inner/route?a=b",
    "/x#a#b",
    "/x??a?b",
    "/x?",
    "/x#",
    "/@user:8080;a=1,b=2",
    "/%zz/100%",
    "/api",
    "/apis/1",
    "/.well-known/x",
    "/...",
    "/" + "x" * 2000,
]
ENCODED = {
    "/한글": "/%ED%95%9C%EA%B8%80",
    "/x?이름=하늘#댓글": "/x?%EC%9D%B4%EB%A6%84=%ED%95%98%EB%8A%98#%EB%8C%93%EA%B8%80",
    '/a b"<c>?d e"<f>#g h"<i>': "/a%20b%22%3Cc%3E?d%20e%22%3Cf%3E#g%20h%22%3Ci%3E",
    "/\u202e": "/%E2%80%AE",
    "/／evil.example": "/%EF%BC%8Fevil.example",
    "/\ud800": "/%ED%A0%80",
    " /x ": "/x",
}
PATH_ALONE = {
    "/x?a\nb": "/x",
    "/x#a\tb": "/x",
    "/x?\x7f": "/x",
}
HOME = [
    "", "x", "?x", "#x", "evil.example", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example",
    "\\\\evil.example", "\\/evil.example", "/\t/evil.example", "/\n/evil.example", "/\r\n/evil.example",
    "/\x0b/evil.example", "\t//evil.example", " //evil.example", "/%2f/evil.example", "/%2Fevil.example",
    "/%5cevil.example", "/%5Cevil.example", "/./\\evil.example", "/..//evil.example", "/.//evil.example",
    "/%2e//evil.example", "/%2e%2e//evil.example", "/.%2E/evil.example", "/x/../..//evil.example", "/a\\b", "/..", "/.",
    "/a/../b", "/a/./b", "/%2e%2e/b", "/a%2f..%2fb", "https:evil.example", "https:/evil.example",
    "https://evil.example", "HTTPS://evil.example", f"{SITE}/x", "javascript:alert(1)", "data:text/html,x",
    "@evil.example", ":443", "//user@evil.example", "//evil。example", "/x\r\nSet-Cookie: a=b", "/x%0d%0a/../", "/\x00",
    "/api/auth/login", "/api/auth/callback?code=x", "/API/auth/login", "/%61pi/auth/login", "/api%2Fauth/login",
    "/api//auth/login",
]  # fmt: skip

Resolve = Callable[[str], dict[str, Any]]
RESOLVE = """
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
    const url = URL.canParse(JSON.parse(line), %s) ? new URL(JSON.parse(line), %s) : {};
    const { origin, pathname, search, hash, href } = url;
    console.log(JSON.stringify({ origin, pathname, here: pathname + search + hash, href }));
});
"""


@pytest.fixture(scope="module")
def resolve() -> Iterator[Resolve]:
    """Resolves an address as a browser at the site does."""
    program = RESOLVE % (json.dumps(SITE), json.dumps(SITE))
    with process(["node", "-e", program], stdin=subprocess.PIPE) as node:

        def resolved(address: str) -> dict[str, Any]:
            assert node.stdin
            assert node.stdout
            node.stdin.write(json.dumps(address) + "\n")
            node.stdin.flush()
            return json.loads(node.stdout.readline())

        yield resolved
        node.stdin.close()


@pytest.mark.parametrize("address", KEPT)
def test_an_address_of_the_site_is_kept(resolve: Resolve, address: str) -> None:
    assert local_address(address) == address
    there = resolve(address)
    assert resolve(local_address(there["here"]))["here"] == there["here"]


@pytest.mark.parametrize("address", ENCODED)
def test_a_character_that_no_header_can_hold_is_encoded_as_a_browser_does(resolve: Resolve, address: str) -> None:
    assert local_address(address) == ENCODED[address]
    if "\ud800" not in address:  # which no browser's address holds
        assert resolve(ENCODED[address])["href"] == resolve(address)["href"]


@pytest.mark.parametrize("address", PATH_ALONE)
def test_an_address_that_cannot_be_kept_is_cut_to_its_path(address: str) -> None:
    assert local_address(address) == PATH_ALONE[address]


@pytest.mark.parametrize("address", HOME)
def test_an_address_that_could_lead_elsewhere_becomes_the_home_page(address: str) -> None:
    assert local_address(address) == "/"


PIECES = [
    *"/\\.:@%?#[]{}|^`'\" \t\n\r\x00\x7f",
    *("//", "/\\", "/.", "/..", "%2e", "%2F", "%5c", "%0d%0a", "%25", "api", "%61pi"),
    *("user@evil.example", "evil.example", "https:", "。", "．", "／", "한", "\u202e", "\u2028"),
]
tricky = st.lists(st.sampled_from(PIECES) | st.characters(codec="utf-8"), max_size=12).map("".join)


@given(tricky | st.text(max_size=20) | tricky.map("/".__add__))
@settings(max_examples=100)
def test_no_return_path_leads_off_the_site_or_into_the_api(resolve: Resolve, wanted: str) -> None:
    for address in candidates(wanted):
        assert address.isascii()
        assert address.isprintable()
        there = resolve(address)
        assert there["origin"] == SITE
        assert not there["pathname"].startswith(("//", "/api/"))
        assert resolve(there["pathname"])["origin"] == SITE, "nor if a page opens the path from `location`"
        assert local_address(address) == address, "judged again, it is the same"


def is_a_pages(path: str) -> bool:
    """Whether a page can be there: not the API, and no path that a server may read as another path or host."""
    decoded = unquote(path).replace("\\", "/")
    return (
        not decoded.startswith("//")
        and not decoded.lower().startswith("/api/")
        and not re.search(r"/\.\.?(/|$)", decoded)
    )


@given(tricky.map("/".__add__))
@example("/board?filter[status]=open#{7}")
@settings(max_examples=100)
def test_a_sign_in_returns_to_the_page_on_which_it_began(resolve: Resolve, typed: str) -> None:
    there = resolve(typed)
    assume(there.get("origin") == SITE and is_a_pages(there["pathname"]))
    assert resolve(local_address(there["here"]))["here"] == there["here"]


def returned_to(session: ModuleType, cognito: Any, wanted: str) -> str:
    client = Client(session.handler)
    answer = client.send("GET /api/auth/login", {"provider": "Kakao", "return_to": wanted})
    asked = {key: value for key, (value,) in parse_qs(urlsplit(answer["headers"]["location"]).query).items()}
    assert all(len(f"{name}={value}") <= 1536 for name, value in client.cookies.items())
    cognito.body = {"id_token": id_token(nonce=asked["nonce"]), "refresh_token": "refresh-1"}
    location: str = client.send("GET /api/auth/callback", {"code": "c", "state": asked["state"]})["headers"]["location"]
    return location


def test_a_return_path_survives_the_whole_login(session: ModuleType, cognito: Any) -> None:
    for address in ("/board/7?filter[status]=open#comment-3", "/" + "x" * 750, "/" + "%ED%95%9C" * 80):
        assert returned_to(session, cognito, address) == address


def test_an_address_too_long_for_the_login_cookie_returns_to_its_path_or_to_the_home_page(
    session: ModuleType, cognito: Any
) -> None:
    assert returned_to(session, cognito, "/board/7?q=" + "한" * 400) == "/board/7"
    assert returned_to(session, cognito, "/board/7#" + "x" * 1000) == "/board/7"
    assert returned_to(session, cognito, "/" + "x" * 1000) == "/"
