"""The commands that the Makefile's targets run, and their messages if a program is missing."""

import os
import shutil
import subprocess

import pytest

from sandbox.program import ROOT

READY = ("VENV=missing", "--old-file=missing/sandbox", "--old-file=missing/ready")  # makes no environment


def make(*arguments: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")} | {"PATH": path}
    command = [str(shutil.which("make")), "--no-print-directory", *READY, *arguments]
    return subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize(
    ("stack", "which"), [("dev", "--stack dev"), ("local", "--file .build/sandbox-4000.json")], ids=["dev", "local"]
)
def test_make_people_and_make_doctor_use_the_stack_or_the_running_sandbox(stack: str, which: str) -> None:
    asked = (f"STACK={stack}", "PORT=4000", "--dry-run")
    called = make("people", "DO=add haneul@example.com admin", *asked).stdout.strip()
    assert called == f"missing/bin/python -m doctor.people {which} add haneul@example.com admin"
    assert make("doctor", *asked).stdout.strip() == f"missing/bin/python -m doctor {which}"


def test_make_preview_without_pulumi_prints_the_address_of_the_installation() -> None:
    ended = make("preview", path="/nowhere")
    assert ended.returncode != 0
    assert "The Pulumi CLI is not installed: https://www.pulumi.com/docs/install/" in ended.stdout


def test_after_a_failed_format_check_make_check_names_the_command_make_format() -> None:
    ended = make("check")  # ruff is missing: the format is not as it should be
    assert "make format" in ended.stdout
    assert "ruff format --quiet ." in make("format", "--dry-run").stdout
