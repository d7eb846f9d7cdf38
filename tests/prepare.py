"""`python -m tests.prepare`: install Node.js and Chromium for the tests, or say how to install them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from infra import packaging
from sandbox.local import settings
from sandbox.program import own

ADVICE = """The tests need what could not be had here: {missing}. Install it and run again:
  Debian, Ubuntu   sudo apt-get install nodejs chromium
  elsewhere        Node.js 18 or newer, and .venv/bin/python -m playwright install chromium
To leave the browser out: .venv/bin/python -m pytest -m 'not browser'"""


SHELL = "chromium-headless-shell"  # Chromium without windows, as Playwright takes it: half of the CPU time


def chromium() -> str | None:
    """Return the path of Debian's Chromium; None means Playwright's own."""
    return shutil.which(SHELL) or shutil.which("chromium")


def missing() -> list[str]:
    """Return what is missing, by the names of Debian's packages."""
    packages = [] if shutil.which("node") else ["nodejs"]
    if not chromium():
        with sync_playwright() as playwright:
            if not Path(playwright.chromium.executable_path).exists():
                packages.append("chromium")
    return packages


def may_install() -> bool:
    """Whether Debian's packages can be installed without a question."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> None:
    """Install what can be installed without a question, each package separately: some systems lack one."""
    if may_install():
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
        for package in packages:
            command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
            subprocess.run(command, env=quiet, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    elif "chromium" in packages:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def build_layer() -> None:
    """Download the packages of the layer for this machine, so that no test has to."""
    here = settings(3000)
    packaging.layer_zip(here[own("runtime")], here[own("architecture")])


if __name__ == "__main__":
    if may_install() and not shutil.which(SHELL):
        install([SHELL])
    if packages := missing():
        install(packages)
    if packages := missing():
        sys.exit(ADVICE.format(missing=" and ".join(packages)))
    build_layer()
