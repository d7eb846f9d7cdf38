"""Connections of the WebSocket, for a function that has `login.socket.post_to_connections()`.

API Gateway manages them at the function's variable MANAGEMENT_URL, which is `login.socket.management_url`.
"""

import logging
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from handlers import contract
from handlers.caller import is_expired_message

log = logging.getLogger(__name__)


@cache
def gateway() -> Any:
    """Return the client for PostToConnection and DeleteConnection."""
    import boto3  # in Lambda's runtime, not in the package
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["MANAGEMENT_URL"], config=config)


def close_expired(event: Mapping[str, Any]) -> bool:
    """DeleteConnection where the event is a message after the token's expiry; return whether it is.

    API Gateway itself keeps a connection for up to two hours.
    """
    if not is_expired_message(event):
        return False
    context, client = event["requestContext"], gateway()
    log.info("expired", extra={"sub": context["authorizer"][contract.CONTEXT_SUB]})
    try:
        client.delete_connection(ConnectionId=context["connectionId"])
    except client.exceptions.GoneException:
        log.info("gone")
    return True
