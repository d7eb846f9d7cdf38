"""GitHub's workflows, checked as text; `make check` runs further checks."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.program import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FILES = [*WORKFLOWS, *sorted((ROOT / ".github" / "actions").rglob("action.yml"))]
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")


def read(name: str) -> dict[str, Any]:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    return workflow | {"on": workflow[True]}  # YAML 1.1 reads `on` as a boolean


def evaluated(expression: str, facts: dict[str, str]) -> Any:
    """Evaluate names, texts, ==, !=, && and || as GitHub does; a name without a fact is empty."""
    python = expression.removeprefix("${{").removesuffix("}}").replace("&&", "and").replace("||", "or")
    return eval(re.sub(r"\b\w+(\.\w+)+", lambda name: repr(facts.get(name[0], "")), python).strip())


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in WORKFLOWS:
        for name, job in read(file.stem)["jobs"].items():
            yield f"{file.stem}.{name}", job


@every_file
def test_every_action_is_pinned_by_its_commit_with_its_version_in_a_comment(file: Any) -> None:
    for line in re.findall(r"uses: (.+)", file.read_text()):
        assert line.startswith("./") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_an_action_has_the_same_version_everywhere() -> None:
    used = {line for file in FILES for line in re.findall(r"uses: ([^.].+)", file.read_text())}
    assert len({line.partition("@")[0] for line in used}) == len(used)


@every_file
def test_no_workflow_uses_secrets_or_runs_code_of_forks_with_permissions(file: Any) -> None:
    text = file.read_text()
    for forbidden in ("secrets.", "secrets: inherit", "aws-access-key-id", "pull_request_target", "workflow_run"):
        assert forbidden not in text, forbidden


@every_file
def test_no_script_contains_an_expression(file: Any) -> None:
    """GitHub pastes an expression into the script; an environment variable stays data."""
    document = yaml.safe_load(file.read_text())
    steps = [step for job in document.get("jobs", {}).values() for step in job.get("steps", [])]
    for step in [*steps, *document.get("runs", {}).get("steps", [])]:
        assert "${{" not in step.get("run", "")


GRANTED = {
    "check.check": {"contents": "read"},
    "deploy.check": {"contents": "read"},
    "deploy.up": {"contents": "read", "id-token": "write"},
    "preview.preview": {"contents": "read", "id-token": "write"},
    "preview.comment": {"pull-requests": "write"},
}


def test_each_job_has_only_the_permissions_that_it_needs() -> None:
    assert {name: job["permissions"] for name, job in jobs()} == GRANTED
    assert {file.stem: read(file.stem)["permissions"] for file in WORKFLOWS} == {
        "check": {},
        "deploy": {},
        "preview": {},
    }


def test_no_checkout_keeps_its_token() -> None:
    checkouts = [step for _, job in jobs() for step in job.get("steps", []) if "checkout@" in step.get("uses", "")]
    assert checkouts
    for step in checkouts:
        assert step["with"]["persist-credentials"] is False


def test_every_job_has_a_timeout() -> None:
    for name, job in jobs():
        assert "uses" in job or job["timeout-minutes"] <= (180 if name == "deploy.up" else 60), name


def test_checks_run_for_every_push_and_pull_request_and_need_no_credentials() -> None:
    check = read("check")
    assert "pull_request" in check["on"]
    assert check["on"]["push"] == {"branches-ignore": ["main"]}
    assert "main" in read("deploy")["on"]["push"]["branches"]
    assert read("deploy")["jobs"]["check"]["uses"] == "./.github/workflows/check.yml"
    commands = [step.get("run") for step in check["jobs"]["check"]["steps"]]
    assert {"make check", "make test", "make audit"} <= set(commands)


def test_each_run_uploads_the_sbom_of_the_layer() -> None:
    *_, made, kept = read("check")["jobs"]["check"]["steps"]
    assert made == {"run": "make sbom"}
    assert kept["uses"].startswith("actions/upload-artifact@")
    assert kept["with"]["include-hidden-files"] is (".build/" in kept["with"]["path"])
    assert kept["with"]["if-no-files-found"] == "error"


def test_a_deployment_needs_the_checks() -> None:
    assert read("deploy")["jobs"]["up"]["needs"] == "check"


MAIN, TAG = {"github.ref_type": "branch"}, {"github.ref_type": "tag"}


def test_a_tag_deploys_prod_and_main_deploys_dev_in_its_environment() -> None:
    deploy = read("deploy")
    assert deploy["on"] == {"push": {"branches": ["main"], "tags": ["v*"]}}
    up = deploy["jobs"]["up"]
    for ref, stack in ((MAIN, "dev"), (TAG, "prod")):
        assert evaluated(up["environment"], ref) == evaluated(up["env"]["STACK"], ref) == stack


def test_each_stack_has_one_deployment_at_a_time_and_none_is_cancelled() -> None:
    concurrency = read("deploy")["jobs"]["up"]["concurrency"]
    prefix, group = re.fullmatch(r"(.*)(\$\{\{.+\}\})", concurrency["group"]).groups()
    assert "${{" not in prefix
    assert evaluated(group, MAIN) != evaluated(group, TAG)
    assert concurrency["cancel-in-progress"] is False


OWN = {
    "vars.AWS_ACCOUNT_ID": "123456789012",
    "github.repository": "team/login",
    "github.event.pull_request.head.repo.full_name": "team/login",
    "github.event.pull_request.user.login": "somebody",
}


def test_a_pull_request_of_this_repository_is_previewed() -> None:
    assert evaluated(read("preview")["jobs"]["preview"]["if"], OWN)


@pytest.mark.parametrize(
    "other",
    [
        {"vars.AWS_ACCOUNT_ID": ""},
        {"github.event.pull_request.head.repo.full_name": "somebody/login"},
        {"github.event.pull_request.user.login": "dependabot[bot]"},
    ],
    ids=["no-account-is-named", "fork", "dependabot"],
)
def test_pull_requests_of_forks_and_dependabot_are_not_previewed(other: dict[str, str]) -> None:
    assert not evaluated(read("preview")["jobs"]["preview"]["if"], OWN | other)


def test_without_an_account_id_nothing_is_deployed() -> None:
    condition = read("deploy")["jobs"]["up"]["if"]
    assert evaluated(condition, OWN)
    assert not evaluated(condition, {})


def test_the_job_that_runs_a_pull_requests_code_cannot_comment_on_it() -> None:
    preview = read("preview")["jobs"]
    assert "pull-requests" not in preview["preview"]["permissions"]
    assert not any("uses" in step for step in preview["comment"]["steps"])


def run_step(step: dict[str, Any], folder: Path, stand_in: str, **variables: str) -> None:
    """Run a step's shell lines as GitHub does, with a stand-in for the program that uses the network."""
    program, _, script = stand_in.partition(": ")
    (folder / program).write_text(f"#!/bin/sh\n{script}\n")
    (folder / program).chmod(0o700)
    path = f"{folder}:{os.environ['PATH']}"
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    subprocess.run(command, cwd=folder, env={"PATH": path, **variables}, check=True, timeout=60, capture_output=True)


def comment_on(summary: str, folder: Path) -> str:
    """Return the comment that is sent to GitHub."""
    (step,) = read("preview")["jobs"]["comment"]["steps"]
    run_step(step, folder, "gh: cat > comment", PULL_REQUEST="1", SUMMARY=summary)
    return (folder / "comment").read_bytes().decode()


LEAVING = "\n~~~~\n@team ![](https://example.com/a.png) <img src=a>\n"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(summary=st.text(st.sampled_from("~`\n\r\t >@a가\\'%$")) | st.integers(3, 5000).map(lambda n: "~" * n + LEAVING))
def test_the_output_of_a_preview_cannot_close_its_code_block(summary: str, tmp_path: Path) -> None:
    head, opening, body = comment_on(summary, tmp_path).partition("\n~~~text\n")
    assert (head, opening) == ("**pulumi preview** of dev\n", "\n~~~text\n")
    # CommonMark 0.31, 4.5: what ends the block; a carriage return ends a line too (2.1)
    ends = [end.start() for end in re.finditer(r"(?:^|(?<=[\r\n])) {0,3}~{3,}[ \t]*(?=[\r\n]|\Z)", body)]
    assert ends == [len(body) - len("~~~\n")]


def test_an_ordinary_preview_is_shown_unchanged(tmp_path: Path) -> None:
    summary = " ~  aws:cognito:UserPool  login-pool  update  [diff: ~lambdaConfig]\n\nResources:\n    ~ 1 to update"
    assert f"~~~text\n{summary}\n~~~" in comment_on(summary, tmp_path)


def test_a_preview_is_cut_to_the_maximum_length_of_a_comment(tmp_path: Path) -> None:
    printed = "summary<<0\n" + "카카오 로그인 @team\n" * 5000
    (tmp_path / "printed").write_text(printed)
    (step,) = [step for step in read("preview")["jobs"]["preview"]["steps"] if step.get("id") == "preview"]
    output = tmp_path / "output"
    run_step(step, tmp_path, "pulumi: cat printed", RUNNER_TEMP=str(tmp_path), GITHUB_OUTPUT=str(output))
    found = re.fullmatch(r"summary<<(\S+)\n(.*)\n(\S+)\n", output.read_text(), re.DOTALL)
    assert found[1] == found[3]
    assert found[1] not in found[2]
    assert printed.startswith(found[2])
    assert 59_000 < len(found[2].encode()) <= 60_000
    assert len(comment_on(found[2], tmp_path)) < 65_536


def test_the_workflows_use_the_pulumi_version_of_the_requirements() -> None:
    (pinned,) = re.findall(r"^pulumi==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    action = yaml.safe_load((ROOT / ".github" / "actions" / "pulumi" / "action.yml").read_text())
    (step,) = [step for step in action["runs"]["steps"] if "pulumi/actions@" in step.get("uses", "")]
    assert step["with"] == {"pulumi-version": pinned}
