"""Who may do what: IAM policy documents as plain data."""

from typing import TypedDict

Condition = dict[str, dict[str, str]]


class Statement(TypedDict, total=False):
    """One sentence of a policy document (IAM JSON policy grammar, version 2012-10-17)."""

    Effect: str
    Principal: dict[str, str]
    Action: list[str]
    Resource: list[str]
    Condition: Condition


class Document(TypedDict):
    """A policy document, as IAM and S3 take it."""

    Version: str
    Statement: list[Statement]


def document(*statements: Statement) -> Document:
    """Return the document that allows these statements and nothing else."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def assumed_by(service: str) -> Statement:
    """This service of AWS's, such as `lambda`, may act in this role."""
    return {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": ["sts:AssumeRole"]}


def write_logs(log_group_arn: str) -> Statement:
    """Write to this log group; it exists already, so creating one is not allowed."""
    return _allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*")


def read_user(user_pool_arn: str) -> Statement:
    """Look one person of this user pool up by user name."""
    return _allow(["cognito-idp:AdminGetUser"], user_pool_arn)


def check_password(user_pool_arn: str) -> Statement:
    """Sign a person of this user pool in by password; neither sets a password nor changes a user."""
    return _allow(["cognito-idp:AdminInitiateAuth"], user_pool_arn)


def force_password_reset(user_pool_arn: str) -> Statement:
    """AdminResetUserPassword: the old password of a user stops working."""
    return _allow(["cognito-idp:AdminResetUserPassword"], user_pool_arn)


def sign_out_everywhere(user_pool_arn: str) -> Statement:
    """AdminUserGlobalSignOut: revoke all tokens of a user."""
    return _allow(["cognito-idp:AdminUserGlobalSignOut"], user_pool_arn)


def sign_in_with_token(user_pool_arn: str) -> Statement:
    """Make and link the profile of a person of this user pool, and answer its challenge; no password is set."""
    actions = ["GetUser", "CreateUser", "LinkProviderForUser", "InitiateAuth", "RespondToAuthChallenge"]
    return _allow([f"cognito-idp:Admin{action}" for action in actions], user_pool_arn)


def post_to_connections(stage_arn: str) -> Statement:
    """Post to the connections of this stage of a WebSocket API, and end them."""
    ways = (f"{stage_arn}/{method}/@connections/*" for method in ("POST", "DELETE"))
    return _allow(["execute-api:ManageConnections"], *ways)


def read_objects(bucket_arn: str, distribution_arn: str) -> Statement:
    """This distribution, and no other one, may read the bucket's objects."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": ["s3:GetObject"],
        "Resource": [f"{bucket_arn}/*"],
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn}},
    }


def _allow(actions: list[str], *resources: str) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": [*resources]}
