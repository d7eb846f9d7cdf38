"""What a team's program may declare beside the login. The deploy role and the permissions boundary are made from it.

To add a type, add a line to TYPES. `make check` names the types of the program that are missing here. Another service
comes first; mails with SES and a bucket in S3, for example:

    SES = Service("ses", ("identity/example.com",), deploy=("*Identit*",), use=("SendEmail",))
    S3 = Service("s3", ("arn:aws:s3:::{name}", "arn:aws:s3:::{name}/*"), deploy=(), use=("GetObject", "PutObject"))

The deploy role may already do everything with a bucket of the stack.
"""

from typing import NamedTuple


class Service(NamedTuple):
    """A service of AWS. `resources` are ARNs after the account, or whole ones; {name} is a name that the stack gives.

    `deploy` are the actions of a deployment, which reads and writes none of the users' data. `use` are the actions of
    the team's functions, and `use_on_all` those of them that AWS allows on `*` alone. `keys` is whether the service
    decrypts with a KMS key for the function.
    """

    name: str
    resources: tuple[str, ...]
    deploy: tuple[str, ...]
    use: tuple[str, ...]
    use_on_all: tuple[str, ...] = ()
    keys: bool = False


DYNAMODB = Service(
    "dynamodb",
    ("table/{name}",),
    deploy=("*Table", "*TimeToLive", "*ContinuousBackups", "*Resource", "Describe*"),
    use=(
        *("BatchGetItem", "ConditionCheckItem", "GetItem", "Query", "Scan"),
        *("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem"),
        *("PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"),
        *("DescribeTable", "DescribeStream", "GetRecords", "GetShardIterator"),
    ),
    use_on_all=("ListStreams",),  # a function of a stream needs it (AWSLambdaDynamoDBExecutionRole)
)
SQS = Service(
    "sqs",
    ("{name}",),
    deploy=("*Queue*",),
    use=(
        *("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"),
        *("GetQueueAttributes", "GetQueueUrl"),
    ),
)
SNS = Service("sns", ("{name}",), deploy=("*",), use=("Publish",))
EVENTS = Service(
    "events",
    ("rule/{name}", "rule/*/{name}", "event-bus/{name}"),
    deploy=("*Rule*", "*Targets*", "*EventBus*", "*Resource"),
    use=("PutEvents",),
)
SECRETS = Service(
    "secretsmanager",
    ("secret:{name}",),
    deploy=("*Secret", "*SecretValue", "*SecretVersion*", "*Resource", "*ResourcePolicy"),
    use=("DescribeSecret", "GetSecretValue"),
    keys=True,
)
SSM = Service(
    "ssm",
    ("parameter/{name}",),
    deploy=("*Parameter", "*Parameters", "*Resource"),
    use=("GetParameter", "GetParameters", "GetParametersByPath"),
    keys=True,
)
# The login's own statements allow the rest of what these need.
LAMBDA = Service("lambda", (), deploy=(), use=())

TYPES: dict[str, Service] = {
    "aws:cloudwatch/eventBus:EventBus": EVENTS,
    "aws:cloudwatch/eventRule:EventRule": EVENTS,
    "aws:cloudwatch/eventTarget:EventTarget": EVENTS,
    "aws:dynamodb/table:Table": DYNAMODB,
    "aws:lambda/eventSourceMapping:EventSourceMapping": LAMBDA,
    "aws:secretsmanager/secret:Secret": SECRETS,
    "aws:secretsmanager/secretVersion:SecretVersion": SECRETS,
    "aws:sns/topic:Topic": SNS,
    "aws:sns/topicSubscription:TopicSubscription": SNS,
    "aws:sqs/queue:Queue": SQS,
    "aws:sqs/queuePolicy:QueuePolicy": SQS,
    "aws:ssm/parameter:Parameter": SSM,
}
