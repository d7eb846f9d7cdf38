"""What the documents name of the example service and of its page."""

import subprocess
from pathlib import Path

from sandbox.program import ROOT
from tests.test_documents import ENGLISH, every_document, named_files


@every_document
def test_a_file_of_the_service_or_the_page_that_is_named_is_there(document: Path) -> None:
    _, named = named_files(document)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_readme_leads_to_each_folder() -> None:
    listed = subprocess.run(["git", "ls-files", "*/*"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    folders = {line.partition("/")[0] for line in listed.splitlines()} - {".ci"}
    assert {folder for folder in folders if f"\n| `{folder}/` |" not in ENGLISH} == set()
