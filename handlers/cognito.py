"""Calls Cognito's API. The boto3 client is made at the first call, because loading boto3 takes about 0.4 s."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from handlers.errors import (
    AccountDisabledError,
    CognitoResponseError,
    CognitoTooSlowError,
    CognitoUnavailableError,
    InactiveAccountError,
)


class Limits(NamedTuple):
    """How long a call may take, in seconds, and how often botocore sends it."""

    connect_timeout: float
    read_timeout: float
    max_attempts: int


READ = Limits(connect_timeout=2, read_timeout=3, max_attempts=2)
# No second try: if the response to a sign-up is lost, the second one says that the e-mail is taken.
WRITE = Limits(connect_timeout=2, read_timeout=5, max_attempts=1)
IN_A_TRIGGER = Limits(connect_timeout=1, read_timeout=1, max_attempts=1)  # Cognito gives a trigger five seconds


def call(operation: str, *, limits: Limits = WRITE, **parameters: Any) -> dict[str, Any]:
    """Call an operation by its name in boto3, such as `admin_get_user`, and return the response.

    Raises CognitoResponseError with AWS's error code, CognitoTooSlowError, or CognitoUnavailableError.
    """
    client = make_client(limits)
    from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

    try:
        response: dict[str, Any] = getattr(client, operation)(**parameters)
    except ClientError as error:
        details = error.response["Error"]
        raise CognitoResponseError(details["Code"], details.get("Message", "")) from None
    except (ConnectTimeoutError, ReadTimeoutError) as error:
        raise CognitoTooSlowError(type(error).__name__) from None
    except BotoCoreError as error:
        raise CognitoUnavailableError(type(error).__name__) from None
    return response


def active_user(username: str, sub: str, *, user_pool_id: str) -> dict[str, Any]:
    """AdminGetUser: return the response for the user of a token.

    A user name can belong to another account once the first one is deleted. No two accounts have the same `sub`.
    Raises InactiveAccountError where the account is gone, another one or disabled, and CognitoError as `call` does.
    """
    try:
        user = call("admin_get_user", limits=READ, UserPoolId=user_pool_id, Username=username)
    except CognitoResponseError as error:
        if error.code == "UserNotFoundException":
            raise InactiveAccountError("the account is gone") from None
        raise
    if user_attributes(user).get("sub") != sub:
        raise InactiveAccountError("the account is another one")
    if user["Enabled"] is not True:
        raise AccountDisabledError("the account is disabled")
    return user


def secret_hash(username: str, *, client_id: str, client_secret: str) -> str:
    """Return the SECRET_HASH with which an app client that has a secret names a user.

    Developer guide, "Computing secret hash values": Base64(HMAC-SHA256(secret, user name + client ID)).
    """
    import base64
    import hashlib  # loads OpenSSL; functions without a client's secret need none of these
    import hmac

    digest = hmac.new(client_secret.encode(), (username + client_id).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def user_attributes(user: Mapping[str, Any]) -> dict[str, str]:
    """Return the attributes in a response of AdminGetUser, or in the `User` of AdminCreateUser, as a dictionary."""
    listed = user["UserAttributes"] if "UserAttributes" in user else user["Attributes"]
    return {attribute["Name"]: attribute["Value"] for attribute in listed}


@cache
def make_client(limits: Limits) -> Any:
    """Return the boto3 client with these limits; it is made once."""
    import boto3  # in Lambda's runtime, not in the package
    from botocore.config import Config

    retries = {"mode": "standard", "total_max_attempts": limits.max_attempts}
    config = Config(connect_timeout=limits.connect_timeout, read_timeout=limits.read_timeout, retries=retries)
    return boto3.client("cognito-idp", config=config)
