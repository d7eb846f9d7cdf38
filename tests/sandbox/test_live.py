"""`make dev`, as a developer runs it, on a copy of the project in which files are saved."""

import re
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
import requests

from sandbox.local import EMAIL_USER
from sandbox.program import ROOT
from tests.infra.engine import PAGE
from tests.ports import free_ports
from tests.processes import process
from tests.project import copy_login

pytestmark = pytest.mark.sandbox


@dataclass(frozen=True)
class Development:
    """The project's copy, the site that it is served at, and what the command prints."""

    folder: Path
    site: str
    printed: IO[str]

    def save(self, path: str, text: str) -> str:
        """Save a file and return the line that is printed then."""
        (self.folder / path).write_text(text)
        return self.line()

    def line(self, word: str = "live") -> str:
        return next(line.strip() for line in self.printed if word in line)

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.site + path, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    folder = tmp_path_factory.mktemp("project")
    copy_login(folder)
    port = free_ports()
    command = [sys.executable, "-m", "sandbox", "--watch", "--port", str(port)]
    with process(command, seconds=600, cwd=folder) as sandbox:  # all tests of this module together
        assert sandbox.stdout
        assert sandbox.stderr
        development = Development(folder, f"http://localhost:{port}", sandbox.stdout)
        assert "go live at once" in development.line()
        yield development
        sandbox.send_signal(signal.SIGINT)
        sandbox.stdout.read()
        assert sandbox.stderr.read() == ""


def named(line: str) -> set[str]:
    """Return the resources that a line reports as live."""
    return set(re.fullmatch(r"live after [0-9.]+ s: (.+)", line)[1].split(", "))


def session(development: Development) -> str:
    """The cookies of a signed-in user."""
    email, password = EMAIL_USER
    answer = requests.post(
        f"{development.site}/api/auth/sign-in",
        json={"email": email, "password": password, "session": True},
        headers={"origin": development.site, "sec-fetch-site": "same-origin"},
        timeout=60,
    )
    return "; ".join(re.findall(r"(__(?:Host|Secure)-[a-z]+=[^;]+)", answer.headers["set-cookie"]))


def test_a_saved_handler_is_live_at_once_and_sessions_stay_valid(development: Development) -> None:
    file, cookie = "handlers/user_info.py", session(development)
    assert development.get("/api/userinfo", cookie=cookie).json()["provider"] == "Cognito"
    before = (ROOT / file).read_text()
    saved = before.replace('provider_of(username, attributes.get("identities"))', '"Saved"')
    assert named(development.save(file, saved)) == {"login-userinfo"}
    assert development.get("/api/userinfo", cookie=cookie).json()["provider"] == "Saved"
    development.save(file, before)


def test_a_saved_shared_module_is_live_in_each_handler_that_imports_it(development: Development) -> None:
    assert "nothing new" in development.save("handlers/shared.py", "")
    for name in ("session", "user_info"):
        handler = (ROOT / f"handlers/{name}.py").read_text()
        development.save(f"handlers/{name}.py", f"{handler}\nfrom handlers import shared\n")
    assert named(development.save("handlers/shared.py", "WORD = 1\n")) == {"login-session", "login-userinfo"}
    for name in ("session", "user_info"):
        development.save(f"handlers/{name}.py", (ROOT / f"handlers/{name}.py").read_text())


EMPTY = "def handler(event, context): ...\n"


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ("def handler(:\n", "handlers/user_info.py:1: invalid syntax"),
        (f"{EMPTY}return 1\n", "handlers/user_info.py:2: 'return' outside function"),
        (f"{EMPTY}from handlers import nothing\n", "handlers/nothing.py is missing, but it is imported"),
    ],
)
def test_a_broken_handler_is_reported_in_one_line_and_the_old_one_stays_live(
    development: Development, broken: str, complaint: str
) -> None:
    file = "handlers/user_info.py"
    assert development.save(file, broken) == f"not live: {complaint}. The version before stays live."
    assert development.get("/api/userinfo").status_code == 401
    assert development.get("/api/userinfo", cookie=session(development)).json()["provider"] == "Cognito"
    assert "nothing new" in development.save(file, (ROOT / file).read_text())


FUNCTIONS = {"user_info": "login-userinfo", "connect_authorizer": "login-connect"}
NO_MODULE, NO_NAME = "ModuleNotFoundError: No module named 'json.nothing'", "NameError: name 'nothing' is not defined"


@pytest.mark.parametrize(
    ("module", "before", "broken", "error"),
    [
        ("user_info", '"""GET', "print('here'); import json.nothing", NO_MODULE),
        ("user_info", "token_use = claims.get(", "print('here'); nothing", NO_NAME),
        ("connect_authorizer", "try:\n        claims", "print('here'); nothing", NO_NAME),
    ],
    ids=["import", "bug that is answered", "bug behind the websocket"],
)
def test_output_and_errors_of_a_function_are_printed(
    development: Development, module: str, before: str, broken: str, error: str
) -> None:
    file, cookie, function = f"handlers/{module}.py", session(development), f"{FUNCTIONS[module]}: "
    whole = (ROOT / file).read_text()
    start, end = whole.split(before, 1)
    indent = start.rpartition("\n")[2]
    development.save(file, f"{start}{broken}\n{indent}{before}{end}")
    handshake = {"upgrade": "websocket", "connection": "Upgrade", "origin": development.site}
    handshake |= {"sec-websocket-version": "13", "sec-websocket-key": "A" * 22 + "=="}
    assert not development.get(
        "/ws" if module == "connect_authorizer" else "/api/userinfo", cookie=cookie, **handshake
    ).ok
    said = [development.line(function)]
    while error not in said[-1]:
        said.append(development.line(function))
    assert said[0] == f"{function}here"
    assert said[-2:] == [f"{function}  {file}:{len(start.splitlines()) or 1}: {broken}", f"{function}{error}"]
    development.save(file, whole)


def test_a_saved_file_of_the_page_is_served_and_a_deleted_one_is_a_404(development: Development) -> None:
    before = (PAGE / "index.html").read_text()
    assert named(development.save("frontend/index.html", f"{before}<!-- saved -->")) == {"login-site-index.html"}
    assert development.get("/").text.endswith("<!-- saved -->")
    assert named(development.save("frontend/new.svg", "<svg/>")) == {"login-site-new.svg"}
    answer = development.get("/new.svg")
    assert (answer.text, answer.headers["content-type"], answer.headers["cache-control"]) == (
        *("<svg/>", "image/svg+xml", "no-cache"),
    )
    (development.folder / "frontend/new.svg").unlink()
    assert named(development.line()) == {"login-site-new.svg"}
    assert development.get("/new.svg").status_code == 404


def test_a_new_file_of_an_unknown_type_is_served(development: Development) -> None:
    assert named(development.save("frontend/odd.xyz", "odd")) == {"login-site-odd.xyz", "login-site-spa"}
    answer = development.get("/odd.xyz")
    assert (answer.text, answer.headers["content-type"]) == ("odd", "application/octet-stream")
    (development.folder / "frontend/odd.xyz").unlink()
    assert named(development.line()) == {"login-site-odd.xyz", "login-site-spa"}


def test_the_page_folder_of_the_settings_is_watched_and_applied_once_a_build_is_complete(
    development: Development,
) -> None:
    settings, built = (development.folder / "Pulumi.local.yaml").read_text(), development.folder / "built"
    shutil.copytree(development.folder / "frontend", built)
    index = (built / "index.html").read_text()
    assert "nothing new" in development.save("Pulumi.local.yaml", f"{settings}  page: built\n")
    assert "nothing new" in development.line()  # the folder is new to what is watched
    assert named(development.save("built/index.html", f"{index}<!-- built -->")) == {"login-site-index.html"}
    (built / "index.html").unlink()
    assert development.line("waiting") == "waiting for built/index.html"
    assert named(development.save("built/index.html", index)) == {"login-site-index.html"}
    assert "nothing new" in development.save("Pulumi.local.yaml", settings)
    assert "nothing new" in development.line()


@pytest.mark.parametrize("file", ["sandbox/proxy.py"])
def test_a_saved_file_of_the_sandbox_needs_a_restart_and_handlers_stay_live(
    development: Development, file: str
) -> None:
    said = development.save(file, "def broken(:\n")
    assert said == f"not live: {file}, which needs a restart of the sandbox."
    before = (PAGE / "style.css").read_text()
    assert named(development.save("frontend/style.css", f"{before}\n")) == {"login-site-style.css"}
    development.save("frontend/style.css", before)


def test_a_saved_file_of_infra_is_applied_unless_the_change_would_lose_users(development: Development) -> None:
    file = "infra/function.py"
    before = (ROOT / file).read_text()
    assert "login-userinfo" in development.save(file, before.replace("MEMORY_MB = 512", "MEMORY_MB = 1024"))
    assert "login-userinfo" in development.save(file, before)
    pool = (ROOT / "infra/user_pool.py").read_text()
    said = development.save("infra/user_pool.py", pool.replace('"require_numbers": False', '"require_numbers": True'))
    assert "has another passwordPolicy, which needs a restart of the sandbox" in said
    assert "nothing new" in development.save("infra/user_pool.py", pool)


def test_a_saved_program_with_an_error_changes_nothing(development: Development) -> None:
    before = (development.folder / "__main__.py").read_text()
    assert development.save("__main__.py", f"{before}\nnothing\n").startswith("not live: NameError")
    assert "nothing new" in development.save("__main__.py", before)
    assert development.get("/api/userinfo", cookie=session(development)).json()["provider"] == "Cognito"


def test_after_an_error_the_sandbox_names_the_resources_that_it_has_applied(development: Development) -> None:
    before = (development.folder / "__main__.py").read_text()
    half = """
import pulumi_aws
flag = pulumi_aws.ssm.Parameter("flag", type="String", value="on")
pulumi_aws.ec2.Vpc("vpc", opts=pulumi.ResourceOptions(depends_on=[flag]))
"""
    printed = development.save("__main__.py", before + half)
    assert "the sandbox cannot apply aws:ec2/vpc:Vpc" in printed
    assert printed.endswith("Live already: flag. Save the corrected file to apply all.")
    assert "nothing new" in development.save("__main__.py", before)
