import pytest

from tests.infra.engine import DIRECT, VARIED, Graph, declare, declare_everything


@pytest.fixture(scope="session")
def stack() -> Graph:
    """The login, declared once with the settings of `dev` and the sign-in by Kakao token."""
    return declare({"kakaoAppId": "1000001"})


@pytest.fixture(scope="session")
def direct() -> Graph:
    """The whole program of a stack whose users sign in at Kakao itself."""
    return declare(DIRECT)


@pytest.fixture(scope="session")
def varied() -> Graph:
    """The login with the settings of VARIED."""
    return declare(VARIED)


@pytest.fixture(scope="session")
def without_accounts() -> Graph:
    """The login without e-mail accounts and without sign-in by Kakao token: a web sign-in with Kakao alone."""
    return declare({"emailAccounts": False})


@pytest.fixture(scope="session")
def everything() -> Graph:
    """The login with every resource that a setting may add."""
    return declare_everything()
