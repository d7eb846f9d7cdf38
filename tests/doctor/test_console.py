"""The guide to Kakao's console agrees with the doctor and the error pages, in both languages."""

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
    """Return what a row has in both languages: codes, names and commands."""
    return sorted(re.findall(r"`[^`]+`|KOE[0-9]{3}|†", re.sub("<.+?>", "<>", row)))


def test_each_row_names_the_same_codes_and_commands_in_both_languages() -> None:
    assert [untranslated(row) for row in rows(KOREAN)] == [untranslated(row) for row in rows(ENGLISH)]


@pytest.mark.parametrize("folder", ["doctor", "handlers", "infra", "sandbox"])
def test_every_koe_code_in_the_code_is_explained_in_the_guide(folder: str) -> None:
    files = [file for suffix in ("py", "js", "html") for file in (ROOT / folder).rglob(f"*.{suffix}")]
    named = {code for file in files for code in KOE.findall(file.read_text())}
    assert named <= set(KOE.findall(ENGLISH))


def test_the_guide_marks_exactly_the_koe_codes_that_the_doctor_finds() -> None:
    said = {code for row in rows(ENGLISH) if FOUND_BY_DOCTOR in row for code in KOE.findall(row)}
    assert said == set(KOE.findall(DOCTOR))


@pytest.mark.parametrize("kind", PAGES)
def test_every_error_page_of_a_sign_in_is_explained(kind: str) -> None:
    assert f'"{PAGES[kind].title}"' in ENGLISH + (ROOT / "docs" / "reference" / "faults.md").read_text()


@pytest.mark.parametrize("menu", sorted({*MENU.findall(DOCTOR), *MENU.findall(checks.REST_API_KEY)}))
def test_every_console_menu_that_the_doctor_names_is_described_in_the_guide(menu: str) -> None:
    assert menu.strip() in ENGLISH
