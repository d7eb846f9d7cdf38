"""Measures times and sizes on this machine, and prints each beside its goal."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import requests
from playwright.sync_api import sync_playwright

from benchmarks import functions
from handlers import contract
from sandbox.emulator import emulated_aws
from sandbox.kakao import PEOPLE
from sandbox.local import running
from tests.ports import free_ports
from tests.prepare import chromium as system_chromium
from tests.processes import process
from tests.project import copy_project

Row = tuple[str, str, str]
ROOT = Path(__file__).resolve().parent.parent
AS_MAKE_TEST = ("--numprocesses=auto", "--dist=loadfile", "--no-loadscope-reorder")
MAX_FIRST_LOAD = 15 * 1024


LIFETIME = "LOGIN_SECONDS = 600"  # of the cookie of a login under way
LOGIN_PATH = contract.path_of(contract.LOGIN)


def seconds(command: list[str]) -> float:
    start = time.monotonic()
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def start_of_the_sandbox() -> Iterator[Row]:
    """The time from the command until the login button redirects to Kakao."""
    port = free_ports()
    start = time.monotonic()
    with emulated_aws(port + 3):
        emulator = time.monotonic() - start
    command = [sys.executable, "-m", "sandbox", "--port", str(port)]
    start = time.monotonic()
    with process(command, seconds=600, cwd=ROOT, stderr=None) as sandbox:
        assert sandbox.stdout
        for line in sandbox.stdout:
            if "ready" in line:
                break
        with closing(
            urlopen(f"http://127.0.0.1:{port}{LOGIN_PATH}?provider={contract.PROVIDER}&origin=http://localhost:{port}")
        ) as page:
            assert page.url.startswith(f"http://127.0.0.1:{port + 2}/oauth/authorize"), page.url
        took = time.monotonic() - start
        sandbox.terminate()
        sandbox.stdout.read()
    yield "the emulator alone", f"{emulator:.1f} s", ""
    yield (
        "`make up` until a user can sign in",
        f"{took:.1f} s",
        f"at most {2 * emulator + 3:.1f} s (twice that + 3 s)",
    )


def first_day() -> Iterator[Row]:
    """The time of `make up` in a new clone, with the installation from the index or pip's cache."""
    port = free_ports()
    with TemporaryDirectory() as folder:
        start = time.monotonic()
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        command = ["make", "up", f"PORT={port}", f"PYTHON={sys.executable}"]
        with process(command, seconds=600, cwd=folder, stderr=None, start_new_session=True) as sandbox:
            assert sandbox.stdout
            next(line for line in sandbox.stdout if "ready" in line)
            took = time.monotonic() - start
            files = [file.lstat().st_size for file in (Path(folder) / ".venv").rglob("*") if file.is_file()]
            os.killpg(sandbox.pid, signal.SIGINT)
            sandbox.stdout.read()
    yield "from `git clone` to a sandbox that is ready", f"{took:.0f} s", ""
    yield "size of the packages of `make up`", f"{sum(files) / 1e6:.0f} MB", "at most 450 MB"


def from_save_to_live() -> Iterator[Row]:
    """The time from a save under `make dev` until a request gets the new version."""
    port = free_ports()
    with TemporaryDirectory() as folder:
        project = Path(folder)
        copy_project(project)
        command = [sys.executable, "-m", "sandbox", "--watch", "--port", str(port)]
        with process(command, seconds=600, cwd=project, stderr=None) as sandbox:
            assert sandbox.stdout
            next(line for line in sandbox.stdout if "go live at once" in line)
            for what, file, old, new, path in (
                ("handler", handler_with(LIFETIME), LIFETIME, LIFETIME.replace("600", "599"), LOGIN_PATH),
                ("page", "frontend/index.html", "</html>", "</html><!-- new -->", "/"),
            ):
                address = f"http://127.0.0.1:{port}{path}"
                before = served(address)
                text = (project / file).read_text()
                assert old in text
                start = time.monotonic()
                (project / file).write_text(text.replace(old, new))
                while served(address) == before:
                    time.sleep(0.01)
                yield f"`make dev`: a saved {what} is live after", f"{time.monotonic() - start:.1f} s", "at most 2 s"
            sandbox.terminate()
            sandbox.stdout.read()


def handler_with(text: str) -> str:
    """Return the path of the handler that has this text."""
    (file,) = [file for file in (ROOT / "handlers").glob("*.py") if text in file.read_text()]
    return f"handlers/{file.name}"


def served(address: str) -> tuple[bytes, str]:
    """Return the body, and the lifetime of the cookie. Other headers differ at each request."""
    answer = requests.get(address, timeout=10, allow_redirects=False)
    return answer.content, "".join(re.findall("Max-Age=[0-9]+", answer.headers.get("Set-Cookie", "")))


def evaluation_of_the_program() -> Iterator[Row]:
    code = "from tests.infra.engine import declare; declare()"
    seconds(python(code))
    yield "evaluation of the program without a change", f"{seconds(python(code)):.1f} s", "at most 1.5 s"


def calls_of_userinfo() -> Iterator[Row]:
    """Count the connections that the handler opens for an ID token."""
    code = """
import socket, sys
calls = []
sys.addaudithook(lambda event, args: calls.append(event) if event == "socket.connect" else None)
from handlers import user_info
claims = {"token_use": "id", "cognito:username": "Kakao_1", "sub": "s", "email": "a@example.com", "exp": "9999999999"}
answer = user_info.handler({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}, "headers": {}}, None)
assert answer["statusCode"] == 200, answer
print(len(calls), "boto3" in sys.modules)
"""
    environment = os.environ | {contract.ENV_USER_POOL_ID: "ap-northeast-2_x"}
    calls, boto3 = subprocess.check_output(python(code), cwd=ROOT, text=True, env=environment).split()
    yield "calls to AWS by userinfo with an ID token", calls, "0"
    yield "userinfo loads boto3 for an ID token", boto3, "False"


def first_load() -> Iterator[Row]:
    port = free_ports()
    with running(port) as sandbox, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system_chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        sizes: list[float] = []
        network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        hosts: set[str] = set()
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        page.goto(sandbox.site)
        page.get_by_role("link", name="카카오 로그인").or_(page.get_by_role("link", name="Login with Kakao")).wait_for()
        page.wait_for_load_state("networkidle")
        browser.close()
    yield "first page load, headers included", f"{sum(sizes) / 1024:.1f} KB", f"at most {MAX_FIRST_LOAD / 1024:.0f} KB"
    yield "hosts that it requests from", str(len(hosts)), "1"


def sign_in_with_a_kakao_token() -> Iterator[Row]:
    """The longest of five sign-ins with a warm function, then one with a slow Kakao."""
    with running(free_ports()) as sandbox:

        def took() -> float:
            user = {"person": PEOPLE[0].id}
            token = requests.post(f"{sandbox.kakao}/_stand-in/token", json=user, timeout=10).json()["access_token"]
            start = time.monotonic()
            requests.post(
                sandbox.site + contract.path_of(contract.KAKAO_SIGN_IN), json={"access_token": token}, timeout=20
            )
            return time.monotonic() - start

        took()
        yield "sign-in with a Kakao token", f"{max(took() for _ in range(5)):.2f} s", ""
        slow = {"mode": "slow", "endpoints": ["/v1/user/access_token_info"]}
        requests.post(f"{sandbox.kakao}/_stand-in/mode", json=slow, timeout=10).raise_for_status()
        yield "the same, refused while Kakao is slow", f"{took():.2f} s", "at most 5 s"
        requests.post(f"{sandbox.kakao}/_stand-in/mode", json={"mode": "up"}, timeout=10).raise_for_status()


def tests() -> Iterator[Row]:
    """Measure the tests. The CPU time is that of all processes: a busy machine changes it little."""
    for what, marks, goal in (
        ("`make test`, nothing but fast tests", "not browser and not sandbox", "at most 15 s on 2 cores"),
        ("`make test`", "", "at most 150 s on 2 cores"),
    ):
        before = os.times()
        took = seconds([sys.executable, "-m", "pytest", "-q", "-m", marks, *AS_MAKE_TEST])
        after = os.times()
        cpu = after.children_user - before.children_user + after.children_system - before.children_system
        yield what, f"{took:.1f} s", goal
        yield f"{what}: CPU time", f"{cpu:.1f} s", ""


def main() -> None:
    """Print each row as soon as it is measured."""
    print(f"{'what':<68}{'measured':>12}   goal")
    for measure in (
        start_of_the_sandbox,
        first_day,
        from_save_to_live,
        evaluation_of_the_program,
        calls_of_userinfo,
        first_load,
        sign_in_with_a_kakao_token,
        functions.rows,
        tests,
    ):
        for what, measured, goal in measure():
            print(f"{what:<68}{measured:>12}   {goal}", flush=True)


if __name__ == "__main__":
    main()
