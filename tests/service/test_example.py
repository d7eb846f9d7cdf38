"""examples/react: built and signed in to as the site's page, and served by Vite beside the sandbox."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from infra import content_security_policy
from sandbox.program import ROOT
from tests.e2e.person import HANEUL, agree
from tests.ports import free_ports
from tests.processes import process
from tests.project import copy_project
from tests.service.test_guides import blocks, with_setting

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]

(STEPS, SETTING, MAKE_DEV, DEV, POLICY) = (block.strip() for block in blocks("own-page.md", "sh"))
(PAGE,) = blocks("own-page.md", "yaml")
NPM_SECONDS = 240


def follow(step: str, folder: Path) -> None:
    """Run a line of the guide, and let npm ask its registry twice at most."""
    settings = {"audit": "false", "fund": "false", "fetch_retries": "1", "fetch_timeout": "20000"}
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", step],
        cwd=folder,
        env=os.environ | {f"npm_config_{name}": value for name, value in settings.items()},
        check=True,
        capture_output=True,
        text=True,
        timeout=NPM_SECONDS,
    )


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which the guide's steps are followed that need no registry of npm."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    made = shutil.ignore_patterns("node_modules", "dist")
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=made)
    for step in STEPS.splitlines()[:2]:
        follow(step, folder)
    return folder


@pytest.fixture(scope="module")
def project(copied: Path) -> Path:
    """The copy with the guide's page installed and built."""
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(map(int, re.findall(r"\d+", node)[:2])) < (20, 19):
        pytest.skip(f"Vite needs Node.js 20.19 or newer; this is {node.strip()}")
    try:
        for step in STEPS.splitlines()[2:]:
            follow(step, copied)
    except subprocess.CalledProcessError as error:
        if re.search(r"ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|network", error.stderr):
            pytest.skip("the npm registry is not reached")
        raise
    return copied


@pytest.fixture(scope="module")
def site(project: Path) -> Iterator[str]:
    """The sandbox with the built example as its page, and Vite on port 5173, which the sandbox's settings name."""
    settings = project / "Pulumi.local.yaml"
    settings.write_text(with_setting(settings, PAGE))
    port = free_ports()
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--watch"]
    with process(command, seconds=400, cwd=project, env=os.environ | {"PYTHONPATH": str(project)}) as sandbox:
        assert sandbox.stdout
        next(line for line in sandbox.stdout if "web/dist/ go live at once" in line)
        yield f"http://localhost:{port}"
        sandbox.terminate()


def test_the_copied_page_depends_on_the_logins_module_by_its_path(copied: Path) -> None:
    package = json.loads((copied / "web" / "package.json").read_text())
    example = json.loads((ROOT / "examples" / "react" / "package.json").read_text())
    folder = package["dependencies"]["kakao-login-client"].removeprefix("file:")
    assert json.loads((copied / "web" / folder / "package.json").read_text())["name"] == "kakao-login-client"
    example["dependencies"]["kakao-login-client"] = f"file:{folder}"
    assert package == example


def test_the_guides_settings_are_valid_and_its_dev_commands_are_those_of_the_tests() -> None:
    assert SETTING.removeprefix("pulumi config set ").split() == PAGE.removeprefix("config:\n").strip().split(": ")
    added = re.fullmatch(r"""pulumi config set --path 'contentSecurityPolicy\["(.*)"\]\[0\]' (.*)""", POLICY)
    assert added
    directive, source = added.groups()
    assert content_security_policy.flaw(directive, source) == ""
    assert (MAKE_DEV, DEV) == ("make dev", "npm --prefix web run dev")
    package = json.loads((ROOT / "examples" / "react" / "package.json").read_text())
    assert package["scripts"]["dev"] == "vite"


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("link", name="카카오 로그인").click()
    agree(page)
    expect(page.get_by_text(f"{HANEUL.nickname}님, 안녕하세요.")).to_be_visible(timeout=20_000)


def test_a_built_page_signs_in_returns_to_its_own_route_and_signs_out(page: Page, site: str) -> None:
    policy_violations: list[str] = []
    page.on("console", lambda message: policy_violations.append(message.text) if message.type == "error" else None)
    sign_in(page, f"{site}/todos/1?a=1#b")
    assert page.url == f"{site}/todos/1?a=1#b"
    page.get_by_label("할 일").fill("우유 사기")
    page.get_by_role("button", name="더하기").click()
    expect(page.get_by_role("listitem")).to_contain_text("우유 사기")
    page.reload()
    expect(page.get_by_role("listitem")).to_contain_text("우유 사기")
    page.get_by_role("button", name="지우기").click()
    expect(page.get_by_role("listitem")).to_have_count(0)
    assert [text for text in policy_violations if "Content Security Policy" in text] == []
    page.get_by_role("button", name="로그아웃").click()
    expect(page.get_by_role("link", name="카카오 로그인")).to_be_visible(timeout=20_000)
    assert page.url == f"{site}/"


def test_a_built_file_is_cached_for_a_year_and_the_page_is_revalidated(site: str) -> None:
    html = requests.get(site, timeout=10)
    assert html.headers["cache-control"] == "no-cache"
    (script,) = re.findall(r'src="(/assets/[^"]+\.js)"', html.text)
    kept = requests.get(site + script, timeout=10).headers
    assert kept["cache-control"] == "public, max-age=31536000, immutable"
    missing = requests.get(f"{site}/assets/index-AAAAAAAA.js", timeout=10)
    assert missing.status_code == 404
    assert "찾을 수 없어요" in missing.text


def test_a_failed_sign_in_shows_the_error_page_of_the_login_with_a_link_to_the_teams_page(
    page: Page, site: str
) -> None:
    page.goto(f"{site}/api/auth/callback?error=access_denied&state=none")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("로그인"))
    expect(page.locator("main")).to_have_css("border-radius", "24px")
    page.get_by_role("link", name="다시 시도").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("할 일")


def test_a_vite_server_beside_the_sandbox_has_sessions_return_paths_and_the_websocket(
    page: Page, site: str, project: Path
) -> None:
    command = ["node", "node_modules/vite/bin/vite.js"]  # as `npm run dev`; npm would not end with its child
    with process(command, cwd=project / "web", env=os.environ | {"SITE": site}) as vite:
        assert vite.stdout
        next(line for line in vite.stdout if "5173" in line)
        server = "http://localhost:5173"
        sign_in(page, f"{server}/todos/1")
        assert page.url == f"{server}/todos/1"
        connected = """address => new Promise(resolve => {
            const socket = new WebSocket(address);
            socket.onopen = () => { socket.close(); resolve("connected"); };
            socket.onerror = () => resolve("refused");
        })"""
        assert page.evaluate(connected, "ws://localhost:5173/ws") == "connected"
        page.get_by_role("button", name="로그아웃").click()
        expect(page.get_by_role("link", name="카카오 로그인")).to_be_visible(timeout=20_000)
        assert page.url == f"{server}/"
        assert page.evaluate(connected, "ws://localhost:5173/ws") == "refused"
        vite.terminate()


def test_the_example_pins_its_packages_and_commits_no_build_output() -> None:
    package = json.loads((ROOT / "examples" / "react" / "package.json").read_text())
    packages = package["dependencies"] | package["devDependencies"]
    assert packages.pop("kakao-login-client") == "file:../../client"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in packages.values())
    listed = ["git", "ls-files", "examples"]
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert not re.search(r"node_modules|/dist/|package-lock", files)
