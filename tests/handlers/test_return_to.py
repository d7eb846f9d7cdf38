"""Where a person may be sent after the login: to a path of the site, by the rules that browsers read addresses with."""

import re
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

GOOD = [
    "/",
    "/x",
    "/board/7",
    "/board/7?sort=new&page=2",
    "/a-b_c.d~e",
    "/a%20b",
    "/%ED%95%9C",
    "/x?next=https://e.example/",
    "/" + "x" * 511,
]
BAD = [
    "", "x", "evil.example", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example", "/\t/evil.example", "/\n/evil.example", "/\r\n/evil.example", "/\x0b/evil.example",
    "\t//evil.example",
    " //evil.example", " /x", "/x ", "/%2f/evil.example", "/%2Fevil.example", "/%5cevil.example", "/%5Cevil.example",
    "/./\\evil.example", "/..//evil.example", "/.//evil.example", "/a//evil.example", "/x/../..//evil.example",
    "/..", "/.",
    "/a/../b", "/a/./b", "/%2e%2e/b", "https:evil.example", "https:/evil.example", "https://evil.example", "HTTPS://evil.example",
    "javascript:alert(1)", "data:text/html,x", "@evil.example", ":443", "//user@evil.example", "/x\r\nSet-Cookie: a=b",
    "/x%0d%0a/../", "/" + "x" * 512, "/⁄evil.example", "/／evil.example", "/한글", "/x#fragment", "/x?a#b",
    "/\u202e", "/\x00",
    "/api/auth/login", "/api/auth/callback?code=x", "/API/auth/login/..", "/x?\n", "/x?\\",
]  # fmt: skip


@pytest.mark.parametrize("path", GOOD)
def test_a_path_of_the_site_is_kept(session: ModuleType, path: str) -> None:
    assert session.local_path(path) == path


@pytest.mark.parametrize("path", BAD)
def test_whatever_could_lead_elsewhere_leads_home(session: ModuleType, path: str) -> None:
    assert session.local_path(path) == "/"


def browsers_host(path: str) -> str:
    """The host that a browser finds in a Location (WHATWG URL: tabs and newlines go, a backslash is a slash)."""
    cleaned = re.sub(r"[\t\n\r]", "", path.strip("".join(map(chr, range(33))))).replace("\\", "/")
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", cleaned):
        return "another scheme"
    return cleaned.lstrip("/").partition("/")[0] if cleaned.startswith("//") else "site.example"


@given(st.text(alphabet="/\\.:@%25fFcC?#\t\n\r ev~", max_size=12) | st.text(max_size=12))
def test_no_text_at_all_leads_to_another_host(session: ModuleType, path: str) -> None:
    kept = session.local_path(path)
    assert browsers_host(kept) == "site.example"
    assert kept.isascii()
    assert kept.isprintable()
