"""Writes what each service sends into a table, with a secret and a parameter."""

import os
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> None:
    """Take events of SQS, SNS, DynamoDB Streams and EventBridge."""
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["SECRET"])["SecretString"]
    parameter = boto3.client("ssm").get_parameter(Name=os.environ["PARAMETER"], WithDecryption=True)["Parameter"]
    known = {"secret": {"S": secret}, "parameter": {"S": parameter["Value"]}, "word": {"S": os.environ["WORD"]}}
    for record in event.get("Records", [event]):
        item = {"from": {"S": _source(record)}, "text": {"S": _text(record)}}
        boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item=item | known)


def _source(record: dict[str, Any]) -> str:
    source: str = record.get("eventSource") or record.get("EventSource") or record["source"]
    return source


def _text(record: dict[str, Any]) -> str:
    if "body" in record:
        return str(record["body"])
    if "Sns" in record:
        return str(record["Sns"]["Message"])
    if "dynamodb" in record:
        return str(record["dynamodb"]["Keys"]["id"]["S"])
    return str(record["detail"]["text"])
