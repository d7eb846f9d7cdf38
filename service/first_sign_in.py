"""A first to-do for each new user. An example of the team's work at a user's first sign-in.

The same user may be announced twice. The item has a fixed key, and a condition keeps what is there.
"""

import logging

from handlers import bugs
from handlers.new_users import Event, new_users
from service.table import table

log = logging.getLogger(__name__)

WELCOME = "0-welcome"  # sorts before every other id


@bugs.hide(log)
def handler(event: Event, _context: object) -> None:
    """PutItem for each new user, unless the user has the to-do already."""
    for user in new_users(event):
        todos = table()
        try:
            todos.put_item(
                Item={"sub": user.sub, "id": WELCOME, "text": "환영합니다! Welcome!"},
                ConditionExpression="attribute_not_exists(id)",
            )
        except todos.meta.client.exceptions.ConditionalCheckFailedException:
            continue
        log.info("welcomed", extra={"sub": user.sub})
