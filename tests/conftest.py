from __future__ import annotations

import gc
import os
import re
import sys
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi_aws
import pytest

from tests import apart
from tests.programs import WITH_A_SOCKET

if TYPE_CHECKING:
    from sandbox.local import Sandbox

# Each worker, and each process that a test starts, loads the same modules: without bytecode each compiles them again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

with warnings.catch_warnings():  # loading either one warns of its own old classes
    warnings.simplefilter("ignore")
    _ = pulumi_aws.lambda_.Function, pulumi_aws.s3.Bucket


def left_out(config: pytest.Config) -> list[str]:
    """Return the marks among sandbox and browser whose tests are deselected."""
    chosen = config.option.markexpr
    return [] if " or " in chosen else re.findall(r"\bnot (sandbox|browser)\b", chosen)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Load no file whose tests are all left out: what they import takes longer than many a test."""
    marks = left_out(config)
    if not marks or not collection_path.name.startswith("test_"):
        return None
    marked = re.search(rf"^pytestmark = .*\.({'|'.join(marks)})\b", collection_path.read_text(), re.MULTILINE)
    return True if marked else None


LONGEST_FIRST = (  # of the files whose tests wait for processes and browsers: a long one at the end would be waited for
    "test_page",
    "test_apart",
    "test_faults",
    "test_live",
    "test_guides",
    "test_forms",
    "test_example",
    "test_kakao_sign_in",
    "test_attacks",
    "test_sign_in",
    "test_local",
    "test_renamed",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker more than there are cores, unless tests of the sandbox and the browser, which wait, are left out."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if {"sandbox", "browser"} <= {*left_out(config)} else cores + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that the short ones fill the gaps at the end."""

    def place(item: pytest.Item) -> int:
        if item.path.stem in LONGEST_FIRST:
            return LONGEST_FIRST.index(item.path.stem)
        starts = any(item.get_closest_marker(name) for name in ("sandbox", "browser"))
        return len(LONGEST_FIRST) + (not starts)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Do not look for garbage in Pulumi's classes, again and again: that is a third of the time of a declaration."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(500_000)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    with apart.guarded(collector.path):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    with apart.guarded(item.path):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    with apart.guarded(item.path):
        return (yield)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that is marked `both_modes` in a sandbox of each mode."""
    if metafunc.definition.get_closest_marker("both_modes"):
        metafunc.parametrize("sandbox", ["hosted", "direct"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """The whole sandbox, once for all tests that use it: of hosted mode, unless a test asks for direct mode."""
    found: Sandbox = request.getfixturevalue(f"{getattr(request, 'param', 'hosted')}_sandbox")
    return found


@pytest.fixture(scope="session")
def hosted_sandbox() -> Iterator[Sandbox]:
    """The sandbox as `make up` starts it, but for the program: a team replaces that."""
    yield from running_sandbox({})


@pytest.fixture(scope="session")
def direct_sandbox() -> Iterator[Sandbox]:
    """The sandbox of a stack with `kakaoSignIn: direct`."""
    from sandbox.local import DIRECT

    yield from running_sandbox(DIRECT)


def running_sandbox(changed: Mapping[str, Any]) -> Iterator[Sandbox]:
    """Run the sandbox of the login's tests: without a team's groups, with which a function shortens long tokens."""
    from sandbox.local import running  # the other tests start faster without it
    from tests.ports import free_ports

    with ExitStack() as stack:
        with apart.unguarded():
            started = running(free_ports(), changed={"groups": [], **changed}, main=WITH_A_SOCKET)
            sandbox = stack.enter_context(started)
        yield sandbox
