import pytest

from tests.infra.engine import Graph, declare


@pytest.fixture(scope="session")
def stack() -> Graph:
    """The whole program, declared once with the settings of `dev` and with what is optional."""
    return declare({"kakaoAppId": "1000001"})
