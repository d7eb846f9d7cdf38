"""`python -m tests.browser`: see to it that there is a Chromium for the tests, or say how to get one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ADVICE = """No Chromium for the browser tests could be had. Install one and run again:
  Debian, Ubuntu   sudo apt-get install chromium
  elsewhere        .venv/bin/python -m playwright install chromium
Or leave those tests out: .venv/bin/python -m pytest -m 'not browser'"""


def executable() -> str | None:
    """Return the path of Debian's Chromium; None means Playwright's own."""
    return shutil.which("chromium")


def present() -> bool:
    if executable():
        return True
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()


def install() -> None:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "chromium"], env=quiet, check=False, stdout=subprocess.DEVNULL
        )
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


if __name__ == "__main__":
    if not present():
        install()
    if not present():
        sys.exit(ADVICE)
