"""The open connections of users, kept in a table: `send` reaches every tab and every device of one user.

A function that sends needs the variables CONNECTIONS and MANAGEMENT_URL, and permissions for both, as the chat has them
in `__main__.py`. The table holds `sub`, the connection's id and the time when the token expires, and no personal data.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from handlers import connections
from service.table import table

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 50  # of a user, to which `send` sends
THREADS = 8


def send(sub: str, frame: Mapping[str, Any], *, besides: str = "") -> int:
    """Send a frame to each connection of a user but the one that `besides` names; return their number."""
    others = [connection_id for connection_id in _of(sub) if connection_id != besides]
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda connection_id: post(sub, connection_id, frame), others))
    return len(others)


def post(sub: str, connection_id: str, frame: Mapping[str, Any]) -> None:
    """PostToConnection. A connection that is gone (410 GoneException) is forgotten."""
    gateway = connections.gateway()
    try:
        gateway.post_to_connection(ConnectionId=connection_id, Data=json.dumps(frame).encode())
    except gateway.exceptions.GoneException:
        log.info("gone", extra={"sub": sub})
        forget(sub, connection_id)


def remember(sub: str, connection_id: str, expires_at: int) -> None:
    """PutItem: DynamoDB deletes the item when the token has expired, in seconds since 1970."""
    _table().put_item(Item={"sub": sub, "connection": connection_id, "expires": expires_at})


def forget(sub: str, connection_id: str) -> None:
    """DeleteItem."""
    _table().delete_item(Key={"sub": sub, "connection": connection_id})


def _of(sub: str) -> Iterator[str]:
    """Query: the user's connections whose tokens are still valid. DynamoDB deletes expired items within days only."""
    found = _table().query(
        KeyConditionExpression="#sub = :sub",
        FilterExpression="#expires > :now",
        ExpressionAttributeNames={"#sub": "sub", "#expires": "expires"},
        ExpressionAttributeValues={":sub": sub, ":now": int(time.time())},
        Limit=MAX_CONNECTIONS,
        ConsistentRead=True,
    )
    return (item["connection"] for item in found["Items"])


def _table() -> Any:
    return table("CONNECTIONS")
