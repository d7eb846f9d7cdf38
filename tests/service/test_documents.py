"""Files of the example service and of its page that the documents name."""

from pathlib import Path

from sandbox.program import ROOT
from tests.test_documents import every_document, named_files


@every_document
def test_a_named_file_of_the_service_or_the_page_exists(document: Path) -> None:
    _, named = named_files(document)
    assert [name for name in named if not (ROOT / name).exists()] == []
