"""Answers each frame of a connection with itself and with who sent it."""

import json
import os
from collections.abc import Mapping
from typing import Any

import boto3

from handlers.caller import caller


def handler(event: Mapping[str, Any], _context: object) -> dict[str, int]:
    context = event["requestContext"]
    if context["eventType"] == "MESSAGE":
        answer = {"sub": caller(event).sub, "frame": event.get("body")}
        gateway = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["MANAGEMENT_URL"])
        gateway.post_to_connection(ConnectionId=context["connectionId"], Data=json.dumps(answer).encode())
    return {"statusCode": 200}
