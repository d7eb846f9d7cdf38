"""The pictures of the READMEs can be taken again."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from sandbox.local import Sandbox
from tests import screenshots

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]


def test_each_screenshot_can_be_taken_again_at_its_width(sandbox: Sandbox, browser: Browser, tmp_path: Path) -> None:
    screenshots.take(sandbox.site, browser, tmp_path)
    assert {file.name: width(file) for file in tmp_path.iterdir()} == {
        file.name: width(file) for file in screenshots.PICTURES.iterdir()
    }


def width(picture: Path) -> int:
    """Return the width in pixels from a PNG's first chunk. The height depends on this machine's fonts."""
    return int.from_bytes(picture.read_bytes()[16:20], "big")
