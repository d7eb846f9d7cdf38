"""A table of moto, as `infra/table.py` declares it."""

from functools import cache
from typing import Any

import boto3


@cache
def _resource() -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.resource("dynamodb", "ap-northeast-2", **keys)


def create_table(sort_key: str) -> Any:
    """Return the table with the partition key `sub` and this sort key; make it where it is not there yet."""
    dynamodb = _resource()
    if "table" not in [table.name for table in dynamodb.tables.all()]:
        dynamodb.create_table(
            TableName="table",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("sub", sort_key)],
            KeySchema=[
                {"AttributeName": "sub", "KeyType": "HASH"},
                {"AttributeName": sort_key, "KeyType": "RANGE"},
            ],
        )
    return dynamodb.Table("table")
