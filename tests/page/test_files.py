"""The files of the page, as the program uploads them."""

import re

from benchmarks import cost
from infra.page_files import client_modules
from sandbox.program import ROOT
from tests.doctor.test_console import ENGLISH, KOE
from tests.infra.engine import Declared, declare, declare_site


def test_a_visit_loads_the_number_of_files_that_the_cost_script_assumes() -> None:
    # forms/ is loaded on request, and kakaotalk.js in KakaoTalk's own browser.
    files = {file.name for file in (ROOT / "frontend").iterdir() if file.is_file()} - {"kakaotalk.js"}
    assert len(files) + len(client_modules()) == cost.FILES


def test_the_page_has_nothing_inline_that_its_policy_would_block() -> None:
    for page in (ROOT / "frontend").rglob("*.html"):
        text = page.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text, re.IGNORECASE)
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


PAGE = ROOT / "frontend"


def uploaded(**switches: bool) -> dict[str, Declared]:
    """The files that a site with this page declares."""
    return {file["key"]: file for file in declare_site(PAGE, **switches).all("BucketObjectv2")}


def test_every_file_of_the_page_is_uploaded() -> None:
    assert {file.relative_to(PAGE).as_posix() for file in PAGE.rglob("*") if file.is_file()} <= uploaded().keys()


def test_the_page_has_the_meta_tag_of_each_switch() -> None:
    """The element stands in the page exactly as infra/page_files.py looks for it."""
    index = uploaded(email_accounts=False, kakao_logout=True)["index.html"]["content"]
    assert '<meta name="email-accounts" content="false">' in index
    assert '<meta name="kakao-logout" content="true">' in index


def test_no_file_of_the_page_contains_a_secret_or_an_id_of_the_stack() -> None:
    stack = declare({"kakaoAppId": "1000001"})
    hidden = ("the-client-secret", stack.exports["clientId"], "client_secret", "kakaoClientSecret")
    for file in (file for file in PAGE.rglob("*") if file.is_file()):
        text = file.read_bytes().decode(errors="replace")
        assert not [value for value in hidden if value in text], file.name


def test_each_koe_code_of_the_page_is_explained_in_the_guide() -> None:
    files = [file for suffix in ("js", "html") for file in (ROOT / "frontend").rglob(f"*.{suffix}")]
    assert {code for file in files for code in KOE.findall(file.read_text())} <= set(KOE.findall(ENGLISH))
