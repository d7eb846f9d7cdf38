"""The browser of the login's own tests, and the sandbox of the whole program."""

from collections.abc import Iterator

import pytest

from sandbox.local import Sandbox, running
from tests.e2e.conftest import browser, context, page
from tests.ports import free_ports

__all__ = ["browser", "context", "page"]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The sandbox as `make up` starts it: with the program of the root."""
    with running(free_ports()) as sandbox:
        yield sandbox
