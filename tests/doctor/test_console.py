"""What is written about Kakao's console agrees with what the doctor and the pages say, in both languages."""

import re

import pytest

from doctor import checks
from handlers.pages import PAGES
from sandbox.program import ROOT

ENGLISH, KOREAN = (
    (ROOT / "docs" / "guides" / name).read_text() for name in ("kakao-console.md", "kakao-console.ko.md")
)
DOCTOR = (ROOT / "doctor/checks.py").read_text()
KOE = re.compile(r"KOE[0-9]{3}")
FOUND_BY_DOCTOR = "†"
MENU = re.compile(r"\w[\w ]*(?: › \w[\w ]*)+")


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def untranslated(row: str) -> list[str]:
    """What a row says in both languages alike: codes, names and commands."""
    return sorted(re.findall(r"`[^`]+`|KOE[0-9]{3}|†", re.sub("<.+?>", "<>", row)))


def test_both_languages_say_the_same_row_by_row() -> None:
    assert [untranslated(row) for row in rows(KOREAN)] == [untranslated(row) for row in rows(ENGLISH)]


@pytest.mark.parametrize("folder", ["doctor", "handlers", "infra", "sandbox"])
def test_each_error_of_kakaos_that_is_named_anywhere_is_explained(folder: str) -> None:
    files = [file for suffix in ("py", "js", "html") for file in (ROOT / folder).rglob(f"*.{suffix}")]
    named = {code for file in files for code in KOE.findall(file.read_text())}
    assert named <= set(KOE.findall(ENGLISH))


def test_what_is_said_to_be_found_by_the_doctor_is_just_what_it_has_a_cure_for() -> None:
    said = {code for row in rows(ENGLISH) if FOUND_BY_DOCTOR in row for code in KOE.findall(row)}
    assert said == set(KOE.findall(DOCTOR))


@pytest.mark.parametrize("kind", PAGES)
def test_each_page_that_ends_a_sign_in_is_explained(kind: str) -> None:
    assert f'"{PAGES[kind].title}"' in ENGLISH + (ROOT / "docs" / "reference" / "faults.md").read_text()


@pytest.mark.parametrize("menu", sorted({*MENU.findall(DOCTOR), *MENU.findall(checks.REST_API_KEY)}))
def test_each_menu_that_a_cure_names_is_one_that_is_described(menu: str) -> None:
    assert menu.strip() in ENGLISH
