"""The live experiments in the emulated AWS: they run to their end and leave nothing. Their results are not facts."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from doctor import live
from doctor.scratch import Created, Scratch, scratch
from sandbox.emulator import Emulator, emulated_aws
from sandbox.program import ROOT
from tests.ports import free_ports
from tests.processes import process

pytestmark = pytest.mark.sandbox
ACCOUNT, REGION = "000000000000", "ap-northeast-2"


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    """An account of its own, of which everything can be listed."""
    with emulated_aws(free_ports()) as emulator:
        yield emulator


@pytest.fixture
def environment(aws: Emulator, tmp_path: Path) -> dict[str, str]:
    """The environment for boto3: a profile whose account is the emulated one."""
    (tmp_path / "credentials").write_text("[scratch]\naws_access_key_id = test\naws_secret_access_key = test\n")
    places = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"), "AWS_CONFIG_FILE": str(tmp_path / "none")}
    return {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": aws.url} | places


@pytest.fixture
def session(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return boto3.Session(profile_name="scratch", region_name=REGION)


@pytest.fixture
def left(session: boto3.Session) -> Any:
    """Names the resources in the account."""

    def names() -> list[str]:
        pools = session.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
        functions = session.client("lambda").list_functions()["Functions"]
        roles = session.client("iam").list_roles()["Roles"]
        found = [pool["Name"] for pool in pools] + [function["FunctionName"] for function in functions]
        return [name for name in found + [role["RoleName"] for role in roles] if "scratch" in name]

    return names


# `python -m doctor.live` with short pauses: only AWS takes its time. The hours that E2 waits stay.
SOON = """
import runpy, time
sleep = time.sleep
time.sleep = lambda seconds: sleep(seconds if seconds > 3600 else min(seconds, 0.05))
runpy.run_module("doctor.live", run_name="__main__", alter_sys=True)
"""


def command(aws: Emulator, *more: str) -> list[str]:
    start = [sys.executable, "-c", SOON, "--profile", "scratch", "--region", REGION]
    return [*start, "--hosted-login", aws.url, *more]


def test_each_experiment_prints_its_result_and_leaves_no_resource(
    aws: Emulator, environment: dict[str, str], left: Any
) -> None:
    with process(command(aws, "--use-up-mails"), stdin=-1, cwd=ROOT, env=environment) as doctor:
        printed, said = doctor.communicate(f"{ACCOUNT}\n", timeout=90)
    assert f"account {ACCOUNT}" in said
    assert doctor.returncode == 0, said
    lines = printed.splitlines()
    assert [line for line in lines if not re.match(r"- \d{4}-\d\d-\d\d, ap-northeast-2, E[1-8]: \w", line)] == []
    assert {line.split(", ")[2].partition(":")[0] for line in lines} == {"E1", "E3", "E4", "E5", "E8"}
    assert [line for line in lines if "not known" in line and "E3" not in line] == []  # it has no sign-up page
    assert left() == []


@pytest.mark.parametrize("typed", ["", "yes\n", "111111111111\n"])
def test_without_the_account_id_no_resource_is_created(
    aws: Emulator, environment: dict[str, str], left: Any, typed: str
) -> None:
    with process(command(aws), stdin=-1, cwd=ROOT, env=environment) as doctor:
        _, said = doctor.communicate(typed, timeout=60)
    assert (doctor.returncode, said.splitlines()[-1]) == (1, "Nothing was created.")
    assert left() == []


def test_a_failed_experiment_stops_neither_the_next_one_nor_the_clean_up(
    aws: Emulator, session: boto3.Session, left: Any
) -> None:
    def fails(pool: Scratch) -> Iterator[str]:
        yield pool.status("nobody")

    with scratch(session, "kakao-login-scratch-1", aws.url, print) as (pool, _):
        lines = list(live.results(pool, {"E1": fails, "E2": lambda _: iter(["well"])}, REGION))
    assert [line.partition(", E")[2] for line in lines] == [
        "1: not known: AdminGetUser answers UserNotFoundException",
        "2: well",
    ]
    assert left() == []


def test_the_experiment_waits_until_the_password_has_expired(
    aws: Emulator, session: boto3.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("doctor.live.time.sleep", slept.append)
    with scratch(session, "kakao-login-scratch-2", aws.url, print) as (pool, _):
        slept.clear()
        (seen,) = live.e2(pool)
    assert slept[0] > 24 * 3600
    assert seen.endswith("tokens")


@pytest.mark.parametrize(
    "call", ["CreateRole", "CreateFunction", "CreateUserPool", "CreateUserPoolDomain", "CreateIdentityProvider"]
)
def test_resources_created_before_an_error_are_removed(
    session: boto3.Session, aws: Emulator, left: Any, call: str
) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, call)

    session.events.register(f"before-call.*.{call}", refuse)
    with pytest.raises(ClientError), scratch(session, "kakao-login-scratch-3", aws.url, print):
        pytest.fail("it was made")
    assert left() == []


def test_an_interrupt_removes_the_resources_and_a_second_one_does_not_stop_that(
    aws: Emulator, environment: dict[str, str], left: Any
) -> None:
    with process(command(aws, "--wait"), stdin=-1, cwd=ROOT, env=environment) as doctor:
        assert doctor.stdin
        assert doctor.stdout
        doctor.stdin.write(f"{ACCOUNT}\n")
        doctor.stdin.flush()
        next(line for line in doctor.stdout if "E5: a sign-in in RESET_REQUIRED" in line)
        for _ in range(3):
            with suppress(ProcessLookupError):
                doctor.send_signal(signal.SIGINT)
        _, said = doctor.communicate(timeout=60)
    assert said.splitlines()[-1] == "Interrupted."
    assert left() == []


def test_a_resource_that_cannot_be_removed_is_named_and_the_rest_is_removed() -> None:
    said: list[str] = []
    made, removed = Created(said.append), []

    def refuse() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "DeleteRole")

    made.add("one", lambda: removed.append("one"))
    made.add("other", refuse)
    made.remove()
    assert (made.left, removed) == (["other"], ["one"])
    assert said == ["could not remove the other: DeleteRole answers AccessDenied"]
