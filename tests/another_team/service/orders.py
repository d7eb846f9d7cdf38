"""GET /api/orders: the number of orders of the user who calls."""

import os
from typing import Any

from handlers.caller import caller
from handlers.web import Event, Response, json_response


def handler(event: Event, _context: object) -> Response:
    """Query with Select=COUNT."""
    import boto3

    orders: Any = boto3.resource("dynamodb").Table(os.environ["TABLE"])
    found = orders.query(
        KeyConditionExpression="#sub = :sub",
        ExpressionAttributeNames={"#sub": "sub"},
        ExpressionAttributeValues={":sub": caller(event).sub},
        Select="COUNT",
    )
    return json_response(200, {"orders": found["Count"]})
