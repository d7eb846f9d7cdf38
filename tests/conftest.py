from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pulumi_aws
import pytest

if TYPE_CHECKING:
    from sandbox.local import Sandbox

with warnings.catch_warnings():  # loading either one warns of its own old classes
    warnings.simplefilter("ignore")
    _ = pulumi_aws.lambda_.Function, pulumi_aws.s3.Bucket


def pytest_collection_finish() -> None:
    """Do not look for garbage in Pulumi's classes, again and again: that is a third of the time of a declaration."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The whole sandbox, once for all tests that ask for it."""
    from sandbox.local import running  # the other tests start faster without it
    from tests.ports import free_ports

    with running(free_ports()) as sandbox:
        yield sandbox
