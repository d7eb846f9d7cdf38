"""The function's DynamoDB tables. `__main__.py` puts their names into environment variables."""

import os
from functools import cache
from typing import Any


@cache
def table(variable: str = "TABLE") -> Any:
    """Return boto3's table of this variable; it is made once, because loading boto3 takes about 0.4 s."""
    import boto3  # in Lambda's runtime, not in the package
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.resource("dynamodb", config=config).Table(os.environ[variable])
