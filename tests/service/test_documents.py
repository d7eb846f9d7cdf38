"""What the documents name of the example service and of its page."""

from pathlib import Path

from sandbox.program import ROOT
from tests.test_documents import every_document, named_files


@every_document
def test_a_file_of_the_service_or_the_page_that_is_named_is_there(document: Path) -> None:
    _, named = named_files(document)
    assert [name for name in named if not (ROOT / name).exists()] == []
