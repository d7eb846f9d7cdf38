"""The client for Cognito's API: created once for each kind of caller, with its time limits."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from handlers import cognito
from handlers.errors import CognitoError, CognitoResponseError, CognitoTooSlowError, CognitoUnavailableError

KINDS = {"read": cognito.READ, "write": cognito.WRITE, "trigger": cognito.IN_A_TRIGGER}


@pytest.fixture(autouse=True)
def _clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    cognito.make_client.cache_clear()
    yield
    cognito.make_client.cache_clear()


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_has_the_timeouts_and_retries_of_its_kind_of_caller(kind: str) -> None:
    limits = KINDS[kind]
    config = cognito.make_client(limits).meta.config
    assert (config.connect_timeout, config.read_timeout) == (limits.connect_timeout, limits.read_timeout)
    assert config.retries == {"mode": "standard", "total_max_attempts": limits.max_attempts}


def test_each_kind_of_caller_shares_one_client() -> None:
    clients = [cognito.make_client(limits) for limits in KINDS.values()]
    assert len(set(map(id, clients))) == len(KINDS)
    assert clients == [cognito.make_client(limits) for limits in KINDS.values()]


@pytest.mark.parametrize("limits", KINDS.values(), ids=KINDS)
def test_all_attempts_together_end_before_the_function_times_out(limits: cognito.Limits) -> None:
    assert (limits.connect_timeout + limits.read_timeout) * limits.max_attempts < 15


@pytest.mark.parametrize(
    ("failure", "kind", "text"),
    [
        (ClientError({"Error": {"Code": "UserNotFoundException"}}, "operation"), CognitoResponseError, None),
        (ReadTimeoutError(endpoint_url="https://canary"), CognitoTooSlowError, "ReadTimeoutError"),
        (ConnectTimeoutError(endpoint_url="https://canary"), CognitoTooSlowError, "ConnectTimeoutError"),
        (EndpointConnectionError(endpoint_url="https://canary"), CognitoUnavailableError, "EndpointConnectionError"),
    ],
    ids=["response", "read", "connect", "down"],
)
def test_the_text_of_each_error_may_be_logged(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, kind: type[CognitoError], text: str | None
) -> None:
    class Client:
        def operation(self, **_: Any) -> None:
            raise failure

    monkeypatch.setattr(cognito, "make_client", lambda limits: Client())
    with pytest.raises(kind) as failed:
        cognito.call("operation")
    assert str(failed.value) == (text or "UserNotFoundException")
    assert failed.value.__suppress_context__
    monkeypatch.undo()


def test_the_secret_hash_is_the_one_of_the_developer_guide() -> None:
    """The vector is that of `openssl dgst -sha256 -hmac secret -binary | base64` over the name and the client's id."""
    made = cognito.secret_hash("가@example.com", client_id="client", client_secret="secret")
    assert made == "vAIsjiir1JbYhYJphPoCIx6bMNcZ4dBTk+G3M8vabJQ="
    assert made != cognito.secret_hash("나@example.com", client_id="client", client_secret="secret")


def test_the_attributes_of_a_user_are_found_by_name() -> None:
    user = {"UserAttributes": [{"Name": "sub", "Value": "sub-1"}, {"Name": "email", "Value": "a@example.com"}]}
    assert cognito.user_attributes(user) == {"sub": "sub-1", "email": "a@example.com"}
