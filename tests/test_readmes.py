"""The READMEs are short, and the Korean one names the same commands, settings, files and pages as the English one."""

import re

import pytest

from sandbox.program import ROOT

MAX_LINES = 150
READMES = ("README.md", "README.ko.md")
TEXTS = [(ROOT / name).read_text() for name in READMES]
ENGLISH, KOREAN = (re.split(r"^(?=#+ )", text, flags=re.MULTILINE)[1:] for text in TEXTS)


def untranslated(section: str) -> dict[str, list[str]]:
    """Return what a section has in every language. Its sentences may differ, in number and in order."""
    words = re.sub(r"```.*?```", "", section, flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)|<(https?://[^>]+)>|src=\"([^\"]+)\"", words)
    return {
        "level": re.findall(r"^#+", section),
        "commands": re.findall(r"```sh\n(.*?)```", section, re.DOTALL),
        "arrows": ["-".join(ends) for ends in re.findall(r"^ +(\w+) ?-.*> ?(\w+)", section, re.MULTILINE)],
        "names": sorted({" ".join(name.split()) for name in re.findall(r"`[^`]+`", words)}),
        "targets": sorted("".join(target).replace(".ko.md", ".md") for target in targets),
        "figures": sorted(re.findall(r"\$?\d[\d.]*\d", words)),
        "rows": re.findall(r"^\| (`.+?`) \|", words, re.MULTILINE),
        "length of tables": [str(len(re.findall(r"^\| ", words, re.MULTILINE)))],
    }


@pytest.mark.parametrize("text", TEXTS, ids=READMES)
def test_a_readme_has_at_most_150_lines(text: str) -> None:
    assert len(text.splitlines()) <= MAX_LINES


def test_both_readmes_have_the_same_sections() -> None:
    levels = [[section.partition(" ")[0] for section in readme] for readme in (KOREAN, ENGLISH)]
    assert levels[0] == levels[1]


@pytest.mark.parametrize("number", range(len(ENGLISH)))
def test_each_section_names_the_same_commands_settings_files_and_pages(number: int) -> None:
    assert untranslated(KOREAN[number]) == untranslated(ENGLISH[number])
