"""IAM policy statements and documents, as pure functions."""

from typing import TypedDict

Condition = dict[str, dict[str, str]]


class Statement(TypedDict, total=False):
    """A statement of a policy document (IAM JSON policy grammar, version 2012-10-17)."""

    Effect: str
    Principal: dict[str, str]
    Action: list[str]
    Resource: list[str]
    Condition: Condition


class Document(TypedDict):
    """A policy document for IAM or S3."""

    Version: str
    Statement: list[Statement]


def document(*statements: Statement) -> Document:
    """Return the policy document with these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def assumed_by(service: str) -> Statement:
    """AssumeRole: this AWS service, such as `lambda`, uses the role."""
    return {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": ["sts:AssumeRole"]}


def write_logs(log_group_arn: str) -> Statement:
    """CreateLogStream and PutLogEvents: write to this log group. Not CreateLogGroup: the group exists."""
    return _allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*")


def read_user(user_pool_arn: str) -> Statement:
    """AdminGetUser: read one user by user name."""
    return _allow(["cognito-idp:AdminGetUser"], user_pool_arn)


def read_client(user_pool_arn: str) -> Statement:
    """DescribeUserPoolClient: whether an app client has a secret, and which one."""
    return _allow(["cognito-idp:DescribeUserPoolClient"], user_pool_arn)


def check_password(user_pool_arn: str) -> Statement:
    """AdminInitiateAuth: sign a user in by password. It changes no user."""
    return _allow(["cognito-idp:AdminInitiateAuth"], user_pool_arn)


def force_password_reset(user_pool_arn: str) -> Statement:
    """AdminResetUserPassword: the old password of a user stops working."""
    return _allow(["cognito-idp:AdminResetUserPassword"], user_pool_arn)


def sign_out_everywhere(user_pool_arn: str) -> Statement:
    """AdminUserGlobalSignOut: revoke all tokens of a user."""
    return _allow(["cognito-idp:AdminUserGlobalSignOut"], user_pool_arn)


def sign_in_with_token(user_pool_arn: str) -> Statement:
    """AdminCreateUser, AdminLinkProviderForUser and AdminInitiateAuth: create, link and sign in a user.

    AdminRespondToAuthChallenge answers the custom challenge. No action sets a password.
    """
    actions = ["GetUser", "CreateUser", "LinkProviderForUser", "InitiateAuth", "RespondToAuthChallenge"]
    return _allow([f"cognito-idp:Admin{action}" for action in actions], user_pool_arn)


def sign_in_directly(user_pool_arn: str) -> Statement:
    """AdminCreateUser, AdminUpdateUserAttributes and AdminInitiateAuth: create, update and sign in a user.

    AdminRespondToAuthChallenge answers the custom challenge. No action sets a password.
    """
    actions = ["GetUser", "CreateUser", "UpdateUserAttributes", "InitiateAuth", "RespondToAuthChallenge"]
    return _allow([f"cognito-idp:Admin{action}" for action in actions], user_pool_arn)


def post_to_connections(stage_arn: str) -> Statement:
    """PostToConnection and DeleteConnection, on the connections of this stage of a WebSocket API."""
    connections = (f"{stage_arn}/{method}/@connections/*" for method in ("POST", "DELETE"))
    return _allow(["execute-api:ManageConnections"], *connections)


READ_ITEMS = ["dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query"]
WRITE_ITEMS = [f"dynamodb:{action}" for action in ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")]


def read_items(table_arn: str) -> Statement:
    """GetItem, Query and others: read the items of a table by key, also through an index. Not Scan."""
    return _allow(READ_ITEMS, table_arn, f"{table_arn}/index/*")


def read_write_items(table_arn: str) -> Statement:
    """PutItem, UpdateItem, DeleteItem and others, and all of `read_items`."""
    return _allow([*READ_ITEMS, *WRITE_ITEMS], table_arn, f"{table_arn}/index/*")


def publish(topic_arn: str) -> Statement:
    """Publish: send a message to this topic."""
    return _allow(["sns:Publish"], topic_arn)


def read_objects(bucket_arn: str, distribution_arn: str) -> Statement:
    """GetObject: this CloudFront distribution, and no other, reads the bucket's objects."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": ["s3:GetObject"],
        "Resource": [f"{bucket_arn}/*"],
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn}},
    }


def _allow(actions: list[str], *resources: str) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": [*resources]}
