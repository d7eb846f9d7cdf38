"""The README is the same in both languages: neither falls behind the other."""

import re

import pytest

from sandbox.program import ROOT

ENGLISH, KOREAN = (
    re.split(r"^(?=#+ )", (ROOT / name).read_text(), flags=re.MULTILINE)[1:] for name in ("README.md", "README.ko.md")
)


def untranslated(section: str) -> dict[str, list[str]]:
    """What a section says in every language alike; what is in angle brackets is for the reader to fill in."""
    shell = "".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    words = re.sub(r"```.*?```", "", re.sub(r"<[^>]+>", "<>", section), flags=re.DOTALL)
    return {
        "level": re.findall(r"^#+", section),
        "commands": [re.sub(r"<.+?>", "<>", line).partition("  #")[0].strip() for line in shell.splitlines()],
        "arrows": ["-".join(ends) for ends in re.findall(r"^ +(\w+) ?-.*> ?(\w+)", section, re.MULTILINE)],
        "names": sorted(" ".join(name.split()) for name in re.findall(r"`[^`]+`", words)),
        "targets": sorted(target.replace(".ko.md", ".md") for target in re.findall(r"\]\(([^)\s]+)\)", words)),
        "steps": re.findall(r"^ *(?:\d\.|-) ", words, re.MULTILINE),
        "rows": re.findall(r"^\| `.+?` \|", words, re.MULTILINE),
    }


def test_both_have_the_same_sections() -> None:
    levels = [[section.partition(" ")[0] for section in readme] for readme in (KOREAN, ENGLISH)]
    assert levels[0] == levels[1]


@pytest.mark.parametrize("number", range(len(ENGLISH)))
def test_a_section_names_the_same_settings_commands_and_pages(number: int) -> None:
    assert untranslated(KOREAN[number]) == untranslated(ENGLISH[number])
