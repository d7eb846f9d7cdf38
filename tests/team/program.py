"""The program: a function that each of the services reaches. It keeps what they send in a table."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.alarms import Alarms
from infra.function import Function, Platform
from infra.policies import Statement
from infra.table import Table

DEFAULTS: dict[str, Any] = {
    "boundary": "",
    "word": "first",
    "secret": "s3cret",
    "parameter": "on",
    "pattern": {"source": ["team"], "detail-type": ["said"]},
    "timeout": 30,
    "news": True,
}
READ = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
STREAM = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]


def declare(**changed: Any) -> None:
    """Declare the program, with some of DEFAULTS changed."""
    values = DEFAULTS | changed
    platform = Platform(
        runtime="python3.13",
        architecture="x86_64",
        log_days=1,
        permissions_boundary=values["boundary"],
        protect=False,
        alarms=Alarms("alarms", email=""),
    )
    seen = Table("seen", platform=platform, key="from", sort_key="text")
    words = aws.dynamodb.Table(
        "words",
        billing_mode="PAY_PER_REQUEST",
        attributes=[{"name": "id", "type": "S"}],
        hash_key="id",
        stream_enabled=True,
        stream_view_type="NEW_IMAGE",
    )
    jobs, mail = (aws.sqs.Queue(name, visibility_timeout_seconds=values["timeout"]) for name in ("jobs", "mail"))
    secret = aws.secretsmanager.Secret("key")
    aws.secretsmanager.SecretVersion("key", secret_id=secret.id, secret_string=values["secret"])
    flag = aws.ssm.Parameter("flag", type="SecureString", value=values["parameter"])
    recorder = Function(
        "recorder",
        source=Path(__file__).with_name("recorder.py"),
        platform=platform,
        environment={"TABLE": seen.name, "SECRET": secret.arn, "PARAMETER": flag.name, "WORD": values["word"]},
        permissions=[
            seen.read_write(),
            jobs.arn.apply(lambda arn: allow(READ, arn)),
            words.stream_arn.apply(lambda arn: allow(STREAM, arn)),
            secret.arn.apply(lambda arn: allow(["secretsmanager:GetSecretValue"], arn)),
            flag.arn.apply(lambda arn: allow(["ssm:GetParameter"], arn)),
        ],
    )
    aws.lambda_.EventSourceMapping("jobs", event_source_arn=jobs.arn, function_name=recorder.arn, batch_size=5)
    aws.lambda_.EventSourceMapping(
        "words", event_source_arn=words.stream_arn, function_name=recorder.arn, starting_position="TRIM_HORIZON"
    )
    if values["news"]:
        topic = aws.sns.Topic("news")
        aws.sns.TopicSubscription("recorder", topic=topic.arn, protocol="lambda", endpoint=recorder.arn)
        aws.sns.TopicSubscription("mail", topic=topic.arn, protocol="sqs", endpoint=mail.arn, raw_message_delivery=True)
        aws.sqs.QueuePolicy("mail", queue_url=mail.url, policy=pulumi.Output.json_dumps(sent_by("sns", mail, topic)))
        pulumi.export("topic", topic.arn)
        bus = aws.cloudwatch.EventBus("bus")
        rule = aws.cloudwatch.EventRule("said", event_bus_name=bus.name, event_pattern=json.dumps(values["pattern"]))
        aws.cloudwatch.EventTarget("recorder", rule=rule.name, event_bus_name=bus.name, arn=recorder.arn)
        pulumi.export("bus", bus.name)
    for name, value in {
        "jobs": jobs.url,
        "mail": mail.url,
        "seen": seen.name,
        "words": words.name,
        "recorder": recorder.arn,
    }.items():
        pulumi.export(name, value)
    pulumi.export("secret", secret.arn)
    pulumi.export("parameter", flag.name)


def allow(actions: list[str], arn: str) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": [arn]}


def sent_by(service: str, queue: aws.sqs.Queue, source: aws.sns.Topic) -> dict[str, Any]:
    """The queue's policy: this topic may send to it."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue.arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": source.arn}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
