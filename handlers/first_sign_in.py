"""Tells the team's function of a new user, through the topic of `infra/first_sign_in.py`."""

import logging
import os

from handlers import bugs, contract

log = logging.getLogger(__name__)

TOPIC = os.environ.get(contract.ENV_FIRST_SIGN_IN_TOPIC)


def announce(sub: str, provider: str) -> None:
    """Publish (Amazon SNS) the user, if the stack has a topic. A failure does not stop the sign-in; the log has it.

    Not the user name: that of an account with e-mail is the e-mail.
    """
    if not TOPIC:
        return
    import json  # only here: a trigger of a stack without the topic loads none of these

    import boto3  # in Lambda's runtime, not in the package
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 2})
    try:
        topic = boto3.client("sns", config=config)
        topic.publish(TopicArn=TOPIC, Message=json.dumps({"sub": sub, "provider": provider}))
    except (BotoCoreError, ClientError) as error:
        log.error("first_sign_in_not_announced", extra={"sub": sub, "reason": bugs.reason(error)})
