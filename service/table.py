"""The function's DynamoDB table. The name is in the environment variable TABLE, which `__main__.py` sets."""

import os
from functools import cache
from typing import Any


@cache
def table() -> Any:
    """Return boto3's table; it is made once, because loading boto3 takes about 0.4 s."""
    import boto3  # in Lambda's runtime, not in the package
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.resource("dynamodb", config=config).Table(os.environ["TABLE"])
