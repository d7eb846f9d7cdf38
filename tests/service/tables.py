"""Tables of moto, as `infra/table.py` declares them."""

from functools import cache
from typing import Any

import boto3


@cache
def _resource() -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.resource("dynamodb", "ap-northeast-2", **keys)


def create_table(sort_key: str, variable: str = "TABLE") -> Any:
    """Return the table of this variable, with the keys `sub` and `sort_key`; make it where it is not there yet."""
    dynamodb, name = _resource(), f"{variable}-{sort_key}"
    if name not in [table.name for table in dynamodb.tables.all()]:
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("sub", sort_key)],
            KeySchema=[
                {"AttributeName": "sub", "KeyType": "HASH"},
                {"AttributeName": sort_key, "KeyType": "RANGE"},
            ],
        )
    return dynamodb.Table(name)
