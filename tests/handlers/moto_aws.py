"""moto's AWS, with one RSA key for all user pools."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
from joserfc.jwk import RSAKey
from moto import mock_aws
from moto.cognitoidp import models
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.utilities.utils import load_resource


@cache
def _key() -> Any:
    return RSAKey.import_key(load_resource("cognitoidp/resources/jwks-private.json"))


@cache
def user_pools() -> Any:
    """A client of Cognito's API, for use inside of `moto_aws`; making one takes longer than most tests."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("cognito-idp", "ap-northeast-2", **keys)


def users_of(pool_id: str) -> dict[str, Any]:
    """Moto's data of a pool's users; a copy is restored faster than new users are created."""
    return models.cognitoidp_backends[DEFAULT_ACCOUNT_ID]["ap-northeast-2"].user_pools[pool_id].users


@contextmanager
def moto_aws() -> Iterator[None]:
    """Emulate AWS in this process. moto would look for the prime factors of a key for each pool, which is slow."""
    loaded = SimpleNamespace(RSAKey=SimpleNamespace(import_key=lambda _file: _key()))
    with patch.object(models, "jwk", loaded), mock_aws():
        yield
