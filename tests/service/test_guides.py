"""The guides to routes, tables and roles, followed to the letter in a copy of the project while `make dev` runs."""

import asyncio
import json
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from aiohttp import ClientSession

from doctor import people, stack
from sandbox.local import EMAIL_USER
from sandbox.program import ROOT
from tests.ports import free_ports
from tests.processes import process
from tests.project import copy_project, copy_repository, run_python

pytestmark = pytest.mark.sandbox

LINES = 60  # that a route with a table and a route for a group take together, in all files


def blocks(guide: str, language: str) -> list[str]:
    text = (ROOT / "docs" / "guides" / guide).read_text()
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


@dataclass(frozen=True)
class Followed:
    """A sandbox of the copied project, and how many lines were added to it."""

    site: str
    file: Path
    added: int
    printed: list[str]
    lines_of_sandbox: Iterator[str]

    def save(self, file: Path, text: str) -> None:
        """Write a file, and wait until the running sandbox has said whether it is live."""
        file.write_text(text)
        self.printed.append(next(line.strip() for line in self.lines_of_sandbox if "live" in line))

    def ask(self, method: str, path: str, token: str | None = None, body: object = None) -> requests.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return requests.request(method, self.site + path, headers=headers, json=body, timeout=20)

    def token(self) -> str:
        email, password = EMAIL_USER
        answer = self.ask("POST", "/api/auth/sign-in", body={"email": email, "password": password})
        given: str = answer.json()["IdToken"]
        return given

    def people(self, *command: str) -> str:
        return people.main(["--file", str(self.file), *command])

    def client(self, service: str) -> Any:
        settings = stack.from_file(self.file).settings
        (aws,) = set(json.loads(settings["aws:endpoints"])[0].values())
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, settings["aws:region"], endpoint_url=aws, **keys)


@dataclass(frozen=True)
class Steps:
    """What the guides to routes and roles write, by file, and how many lines they add to the project."""

    saves: dict[Path, str]
    lines: int


NOTES, NOTES_IN_MAIN, NOTES_TEST, SENDING_IN_MAIN, SEND, PERMISSIONS, LAYER_IN_MAIN = blocks("own-route.md", "python")
REPORT_IN_MAIN, REPORT = blocks("roles.md", "python")
(GROUPS,) = blocks("roles.md", "yaml")
PUT = re.compile(r"^( +)table\(\)\.put_item\(.*\n", re.MULTILINE)


def with_setting(file: Path, block: str) -> str:
    """Return the stack's file with what a block of a guide has below `config:`."""
    head, _, setting = block.partition("config:\n")
    assert not head
    text = file.read_text()
    assert text.count("\nconfig:\n") == 1
    return text.replace("\nconfig:\n", f"\nconfig:\n{setting}")


def steps(folder: Path) -> Steps:
    """Return the guides' steps for this copy of the project."""
    main, local = folder / "__main__.py", folder / "Pulumi.local.yaml"
    before, after = main.read_text().split("\ndashboard = ")
    saves = {
        folder / "service" / "notes.py": NOTES,
        folder / "service" / "report.py": REPORT,
        local: with_setting(local, GROUPS),
        main: f"{before}\n{NOTES_IN_MAIN}\n{REPORT_IN_MAIN}\ndashboard = {after}",
    }
    added = (NOTES, NOTES_IN_MAIN, REPORT_IN_MAIN, REPORT, GROUPS)
    return Steps(saves, lines=sum(len(text.strip().splitlines()) for text in added))


def followed_repository(folder: Path) -> Path:
    """Copy the repository, and follow the guides in it."""
    copy_repository(folder)
    for file, text in steps(folder).saves.items():
        file.write_text(text)
    (folder / "tests" / "service" / "test_notes.py").write_text(NOTES_TEST)
    return folder


def run(folder: Path, *arguments: str) -> None:
    """Run a module of Python in a copy of the project; show its output if it fails."""
    run_python(folder, "-m", *arguments, seconds=300)


@pytest.mark.timeout(300)
def test_the_tests_pass_for_a_team_that_follows_the_guides(tmp_path: Path) -> None:
    """Also if the examples are kept. The tests in the sandbox would take minutes; test_apart.py covers the login's."""
    team = ("tests/service", "tests/page", "tests/infra/test_service_types.py", "tests/test_documents.py")
    options = ("-q", "-pno:cacheprovider", "-pno:xdist", "-mnot sandbox and not browser")
    run(followed_repository(tmp_path), "pytest", *options, *team)


def sends_to_open_pages(project: Path) -> dict[Path, str]:
    """What the guide writes further, by file, so that each note is sent to the user's open pages."""
    main, notes = project / "__main__.py", project / "service" / "notes.py"
    put = PUT.search(NOTES)
    assert put
    sent = NOTES.replace(put[0], f"{put[0]}{put[1]}{SEND}")
    function = re.compile(r"^notes = Function\(\n.*?^\)\n", re.MULTILINE | re.DOTALL)
    return {
        main: function.sub(SENDING_IN_MAIN, main.read_text()),
        notes: sent.replace("from service.table", "from service import connections\nfrom service.table", 1),
    }


@pytest.fixture(scope="module")
def sending(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the guides have been followed, also to send to a user's open pages and to permissions."""
    repository = followed_repository(tmp_path_factory.mktemp("repository"))
    for file, text in sends_to_open_pages(repository).items():
        file.write_text(text)
    main = repository / "__main__.py"
    before, after = main.read_text().split("\ndashboard = ")
    files = 'files = aws.s3.Bucket("files")'
    text = f"{before}\n{files}\n{PERMISSIONS}\n{LAYER_IN_MAIN}\ndashboard = {after}"
    text = text.replace("import pulumi\n", "import pulumi\nimport pulumi_aws as aws\n", 1)
    main.write_text(text.replace("from infra.route", "from infra.layer import Layer\nfrom infra.route", 1))
    return repository


def test_the_code_of_the_guides_passes_format_and_lint_of_make_check(sending: Path) -> None:
    run(sending, "ruff", "format", "--check", "__main__.py", "service", "tests/service")
    run(sending, "ruff", "check", "--quiet", "--no-cache", "__main__.py", "service", "tests/service")


@pytest.mark.timeout(300)
def test_the_code_of_the_guides_passes_mypy_of_make_check(sending: Path) -> None:
    checked = ("__main__.py", "service/notes.py", "service/report.py", "tests/service/test_notes.py")
    cache, own = ROOT / ".mypy_cache", sending / ".mypy_cache"
    if cache.exists():  # what mypy has read of pulumi-aws, which takes half a minute
        shutil.copytree(cache, own)
    run(sending, "mypy", "--cache-dir", str(own), *checked)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    added = steps(folder)
    port = free_ports()
    command = [sys.executable, "-m", "sandbox", "--watch", "--port", str(port)]
    with process(command, seconds=600, cwd=folder) as sandbox:
        assert sandbox.stdout
        for line in sandbox.stdout:
            if "go live at once" in line:
                break
        else:
            pytest.fail(sandbox.stderr.read() if sandbox.stderr else "")
        described = folder / ".build" / f"sandbox-{port}.json"
        project = Followed(f"http://127.0.0.1:{port}", described, added.lines, [], sandbox.stdout)
        token = project.token()
        made = project.ask("POST", "/api/todos", token, {"text": "from before"}).json()
        for file, text in added.saves.items():
            project.save(file, text)
        assert project.ask("GET", "/api/todos", token).json()["todos"] == [made], project.printed
        yield project
        sandbox.send_signal(signal.SIGINT)


def test_a_route_with_a_table_and_a_route_for_a_group_take_at_most_60_lines(followed: Followed) -> None:
    assert followed.added <= LINES


def test_each_save_is_applied_to_the_running_sandbox_and_users_and_data_stay(followed: Followed) -> None:
    """The fixture has read the to-do from before the saves, with the token from before them."""
    assert [line for line in followed.printed if not line.startswith("live after")] == []
    settings, program = followed.printed[2:4]
    assert {"login-pool", "login-pool-group-admin", "login-token", "login-session"} <= set(re.split("[:,] ", settings))
    assert {"notes", "notes-table", "report", "notes-get-notes-route", "dashboard"} & set(re.split("[:,] ", program))


def test_the_route_with_a_table_works_for_signed_in_users_only(followed: Followed) -> None:
    token = followed.token()
    assert followed.ask("GET", "/api/notes").status_code == 401
    assert followed.ask("GET", "/api/notes", token).json() == {"text": None}
    assert followed.ask("POST", "/api/notes", token, {"text": "hello"}).status_code == 201
    assert followed.ask("GET", "/api/notes", token).json() == {"text": "hello"}
    assert followed.ask("POST", "/api/notes", token, {"text": ""}).status_code == 400


def routes_for_groups(followed: Followed) -> list[str]:
    """Every route, as deployed, of a function that is for some groups only."""
    functions = followed.client("lambda").list_functions()["Functions"]
    checked = {
        function["FunctionArn"]
        for function in functions
        if "ALLOWED_GROUPS" in function.get("Environment", {}).get("Variables", {})
    }
    gateway = followed.client("apigatewayv2")
    (api,) = [api["ApiId"] for api in gateway.get_apis()["Items"] if api["ProtocolType"] == "HTTP"]
    targets = {
        f"integrations/{integration['IntegrationId']}"
        for integration in gateway.get_integrations(ApiId=api)["Items"]
        if integration["IntegrationUri"] in checked
    }
    return [route["RouteKey"] for route in gateway.get_routes(ApiId=api)["Items"] if route["Target"] in targets]


def test_every_route_for_a_group_accepts_its_members_only(followed: Followed) -> None:
    email = EMAIL_USER[0]
    routes = routes_for_groups(followed)
    assert sorted(routes) == ["GET /api/report", "HEAD /api/report"]
    outside = followed.token()
    for route in routes:
        method, path = route.split(" ")
        assert followed.ask(method, path).status_code == 401
        refused = followed.ask(method, path, outside)
        assert refused.status_code == 403
        assert method == "HEAD" or refused.json()["error"] == "forbidden"
    assert followed.people("add", email, "admin").startswith(f"{email} is in admin")
    try:
        inside = followed.token()
        assert followed.ask("GET", "/api/report", inside).json() == {"groups": ["admin"]}
        assert followed.ask("GET", "/api/userinfo", inside).json()["groups"] == ["admin"]
        assert followed.ask("GET", "/api/report", outside).status_code == 403  # the groups are in the token
        assert followed.people("members", "admin") == email
    finally:
        followed.people("remove", email, "admin")
    assert followed.ask("GET", "/api/report", followed.token()).status_code == 403
    assert followed.ask("GET", "/api/userinfo", followed.token()).json()["groups"] == []


def test_a_kakao_user_can_be_in_a_group_and_cognitos_own_group_is_hidden(followed: Followed) -> None:
    documents = json.loads(followed.file.read_text())
    pool = documents["outputs"]["userPoolId"]
    cognito = followed.client("cognito-idp")
    cognito.admin_create_user(UserPoolId=pool, Username="Kakao_7", MessageAction="SUPPRESS")
    cognito.admin_add_user_to_group(UserPoolId=pool, Username="Kakao_7", GroupName=f"{pool}_Kakao")
    assert followed.people("groups", "Kakao_7") == "Kakao_7: no group"
    followed.people("add", "Kakao_7", "admin")
    assert followed.people("groups", "Kakao_7") == "Kakao_7: admin"


async def notes_heard(site: str, token: str) -> object:
    """Open a connection, keep a note, and return what the connection hears."""
    headers = {"Authorization": f"Bearer {token}"}
    async with ClientSession(headers=headers) as session, session.ws_connect(f"{site}/ws") as socket:
        async with session.post(f"{site}/api/notes", json={"text": "안녕"}) as answer:
            assert answer.status == 201, await answer.text()
        return json.loads((await socket.receive()).data)


def test_a_note_is_sent_to_the_users_open_pages(followed: Followed) -> None:
    for file, text in sends_to_open_pages(followed.file.parent.parent).items():
        followed.save(file, text)
    heard = asyncio.run(asyncio.wait_for(notes_heard(followed.site, followed.token()), 30))
    assert heard == {"note": "안녕"}, followed.printed
