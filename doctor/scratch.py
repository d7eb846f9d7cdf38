"""Two user pools in a live account for the experiments of `doctor.live`, and their removal.

The pools have the settings of the program's pool. One pool is the OpenID Connect provider of the other, instead of
Kakao. A Lambda function answers the custom challenge. Its role allows nothing.
"""

import io
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import boto3
import requests
from botocore.exceptions import BotoCoreError, ClientError

from doctor import browser
from doctor.browser import UnexpectedPageError
from handlers import contract

PROVIDER = "Scratch"
CALLBACK = "https://localhost/callback"  # no server is needed: the code is read from the redirect
SCOPES = [*contract.SCOPES]
TIMEOUT_SECONDS = 10
MAX_WAIT_SECONDS = 300  # until a new domain answers, and until Lambda accepts a new role
CHALLENGE = b'''
def handler(event, _context):
    """Issue tokens for the answer "right", and for the name of an attribute that the user has."""
    request, source = event["request"], event["triggerSource"]
    if source.startswith("DefineAuthChallenge"):
        rounds = request.get("session") or []
        right = bool(rounds) and rounds[-1]["challengeResult"]
        over = bool(rounds) and not right
        event["response"] = {"challengeName": "CUSTOM_CHALLENGE", "issueTokens": right, "failAuthentication": over}
    elif source.startswith("CreateAuthChallenge"):
        event["response"] = {"publicChallengeParameters": {}, "privateChallengeParameters": {}}
    else:
        answer, attributes = request["challengeAnswer"], request.get("userAttributes") or {}
        event["response"] = {"answerCorrect": answer == "right" or answer in attributes}
    return event
'''
TRUST = """{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}"""


@dataclass(frozen=True)
class Pool:
    """A user pool with a client, and the address of its hosted login."""

    id: str
    arn: str
    domain: str  # as AWS names it
    hosted: str  # as this machine reaches it
    client: str = ""
    secret: str = field(default="", repr=False)


class Scratch:
    """The two pools, and the calls of the experiments."""

    def __init__(self, cognito: Any, login: Pool, provider: Pool) -> None:
        """Use this boto3 client."""
        self.cognito, self.login, self.provider = cognito, login, provider

    def create_user(self, pool: Pool, name: str, *, password: str = "", email: str = "") -> str:
        """AdminCreateUser without a mail, then AdminSetUserPassword if there is a password. Return the `sub`."""
        attributes = {"email": email, "email_verified": "true"} if email else {}
        user = self.cognito.admin_create_user(
            UserPoolId=pool.id,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
        )["User"]
        if password:
            self.cognito.admin_set_user_password(UserPoolId=pool.id, Username=name, Password=password, Permanent=True)
        return str({attribute["Name"]: attribute["Value"] for attribute in user["Attributes"]}["sub"])

    def link(self, name: str, subject: str) -> None:
        """AdminLinkProviderForUser: the provider's user `subject` signs in as this user."""
        destination = {"ProviderName": contract.NATIVE_PROVIDER, "ProviderAttributeValue": name}
        source = {"ProviderName": PROVIDER, "ProviderAttributeName": "Cognito_Subject"}
        self.cognito.admin_link_provider_for_user(
            UserPoolId=self.login.id,
            DestinationUser=destination,
            SourceUser=source | {"ProviderAttributeValue": subject},
        )

    def status(self, name: str) -> str:
        """AdminGetUser: return the UserStatus."""
        return str(self.cognito.admin_get_user(UserPoolId=self.login.id, Username=name)["UserStatus"])

    def custom_challenge(self, name: str, answer: str) -> bool:
        """AdminInitiateAuth with CUSTOM_AUTH, then the answer: return whether there are tokens. Raises ClientError."""
        client = {"UserPoolId": self.login.id, "ClientId": self.login.client}
        begun = self.cognito.admin_initiate_auth(**client, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": name})
        answered = self.cognito.admin_respond_to_auth_challenge(
            **client,
            ChallengeName="CUSTOM_CHALLENGE",
            ChallengeResponses={"USERNAME": name, "ANSWER": answer},
            Session=begun["Session"],
        )
        return "AuthenticationResult" in answered

    def password_sign_in(self, name: str, password: str) -> str:
        """AdminInitiateAuth with a password: return the refresh token. Raises ClientError."""
        answer = self.cognito.admin_initiate_auth(
            UserPoolId=self.login.id,
            ClientId=self.login.client,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password},
        )
        return str(answer["AuthenticationResult"]["RefreshToken"])

    def refreshed(self, refresh_token: str) -> dict[str, Any] | None:
        """Return the token endpoint's answer to a refresh token, or None if it refuses."""
        answer = self._token(grant_type="refresh_token", refresh_token=refresh_token)
        tokens: dict[str, Any] | None = answer.json() if answer.ok else None
        return tokens

    def hosted_sign_in(self, name: str, password: str) -> dict[str, Any]:
        """Sign in a user of the provider at the hosted login, as a browser does. Return the tokens."""
        query = {
            "client_id": self.login.client,
            "response_type": "code",
            "scope": " ".join(SCOPES),
            "redirect_uri": CALLBACK,
            "identity_provider": PROVIDER,
            "state": "scratch",
        }
        url = f"{self.login.domain}{contract.AUTHORIZE_PATH}?{urlencode(query)}"
        back = browser.sign_in(url, CALLBACK, {"username": name, "password": password}, self.reachable)
        if "code" not in back:
            raise UnexpectedPageError(f"the callback gets the error {back.get('error_description', back)}")
        answer = self._token(grant_type="authorization_code", code=back["code"], redirect_uri=CALLBACK)
        if not answer.ok:
            raise UnexpectedPageError(f"the token endpoint answers {answer.status_code}")
        tokens: dict[str, Any] = answer.json()
        return tokens

    def sign_up_page(self) -> requests.Response:
        """Return the hosted login's sign-up page."""
        query = {"client_id": self.login.client, "response_type": "code", "redirect_uri": CALLBACK}
        return requests.get(f"{self.login.hosted}/signup?{urlencode(query)}", timeout=TIMEOUT_SECONDS)

    def reachable(self, url: str) -> str:
        """Return the address at which this machine reaches a hosted login."""
        for pool in (self.login, self.provider):
            url = url.replace(pool.domain, pool.hosted, 1) if url.startswith(pool.domain) else url
        return url

    def _token(self, **form: str) -> requests.Response:
        data = {"client_id": self.login.client} | form
        return requests.post(f"{self.login.hosted}{contract.TOKEN_PATH}", data=data, timeout=TIMEOUT_SECONDS)


class Created:
    """The resources created so far, each with the call that removes it. `left` has those that were not removed."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Report what cannot be removed through `say`."""
        self._removals: list[tuple[str, Callable[[], Any]]] = []
        self._say = say
        self.left: list[str] = []

    def add(self, what: str, remove: Callable[[], Any]) -> None:
        """Add a resource right after its creation."""
        self._removals.append((what, remove))

    def remove(self) -> None:
        """Remove everything, the newest resource first. Go on after an error."""
        while self._removals:
            what, remove = self._removals.pop()
            try:
                remove()
            except (BotoCoreError, ClientError) as error:
                self.left.append(what)
                self._say(f"could not remove the {what}: {reason(error)}")


def reason(error: Exception) -> str:
    """Return AWS's code of an error, without its message."""
    if isinstance(error, ClientError):
        return f"{error.operation_name} answers {error.response['Error']['Code']}"
    return type(error).__name__


@contextmanager
def scratch(
    session: boto3.Session, name: str, hosted: str, say: Callable[[str], None]
) -> Iterator[tuple[Scratch, Created]]:
    """Create everything under `name`, and remove it when the block ends, also after an error.

    If `hosted` is not empty, the hosted logins answer there and not at Cognito's domains.
    """
    cognito, iam, functions = (session.client(service) for service in ("cognito-idp", "iam", "lambda"))
    created = Created(say)
    try:
        function = _create_function(iam, functions, created, name)
        provider = _create_pool(cognito, created, f"{name}-provider", hosted, {})
        triggers = ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse")
        login = _create_pool(cognito, created, name, hosted, dict.fromkeys(triggers, function))
        functions.add_permission(
            FunctionName=name,
            StatementId="pool",
            Action="lambda:InvokeFunction",
            Principal="cognito-idp.amazonaws.com",
            SourceArn=login.arn,
        )
        provider = _with_client(
            cognito, provider, f"{login.domain}{contract.IDP_RESPONSE_PATH}", ["COGNITO"], secret=True
        )
        _create_provider(cognito, login, provider)
        login = _with_client(cognito, login, CALLBACK, ["COGNITO", PROVIDER], secret=False)
        for pool in (provider, login):
            _wait_for(f"{pool.hosted}/login?client_id={pool.client}")
        yield Scratch(cognito, login, provider), created
    finally:
        created.remove()


def _create_function(iam: Any, functions: Any, created: Created, name: str) -> str:
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    created.add(f"IAM role {name}", lambda: iam.delete_role(RoleName=name))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr(zipfile.ZipInfo("challenge.py"), CHALLENGE)
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while True:
        try:
            arn: str = functions.create_function(
                FunctionName=name,
                Role=role,
                Runtime="python3.13",
                Handler="challenge.handler",
                Code={"ZipFile": archive.getvalue()},
            )["FunctionArn"]
        except ClientError as error:  # Lambda refuses a new role for some seconds
            if error.response["Error"]["Code"] != "InvalidParameterValueException" or time.monotonic() > deadline:
                raise
            time.sleep(2)
            continue
        created.add(f"Lambda function {name}", lambda: functions.delete_function(FunctionName=name))
        functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return arn


def _create_pool(cognito: Any, created: Created, name: str, hosted: str, triggers: Mapping[str, str]) -> Pool:
    policy = {
        "MinimumLength": contract.MIN_PASSWORD_LENGTH,
        "RequireLowercase": False,
        "RequireNumbers": False,
        "RequireSymbols": False,
        "RequireUppercase": False,
        "TemporaryPasswordValidityDays": 1,  # E2 waits for its end
    }
    pool = cognito.create_user_pool(
        PoolName=name,
        UsernameConfiguration={"CaseSensitive": False},
        AutoVerifiedAttributes=["email"],
        AccountRecoverySetting={"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
        Policies={"PasswordPolicy": policy},
        UserPoolTier="ESSENTIALS",
        LambdaConfig=dict(triggers),
    )["UserPool"]
    created.add(f"user pool {pool['Id']}", lambda: cognito.delete_user_pool(UserPoolId=pool["Id"]))
    cognito.create_user_pool_domain(Domain=name, UserPoolId=pool["Id"], ManagedLoginVersion=1)
    created.add(f"domain {name}", lambda: cognito.delete_user_pool_domain(Domain=name, UserPoolId=pool["Id"]))
    domain = f"https://{name}.auth.{cognito.meta.region_name}.amazoncognito.com"
    return Pool(pool["Id"], pool["Arn"], domain, hosted or domain)


def _with_client(cognito: Any, pool: Pool, callback: str, providers: list[str], *, secret: bool) -> Pool:
    client = cognito.create_user_pool_client(
        UserPoolId=pool.id,
        ClientName="scratch",
        GenerateSecret=secret,
        SupportedIdentityProviders=providers,
        CallbackURLs=[callback],
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=SCOPES,
        ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        PreventUserExistenceErrors="ENABLED",
    )["UserPoolClient"]
    return replace(pool, client=client["ClientId"], secret=client.get("ClientSecret", ""))


def _create_provider(cognito: Any, login: Pool, provider: Pool) -> None:
    region, _, _ = provider.id.partition("_")
    issuer = f"https://cognito-idp.{region}.amazonaws.com/{provider.id}"
    cognito.create_identity_provider(
        UserPoolId=login.id,
        ProviderName=PROVIDER,
        ProviderType="OIDC",
        ProviderDetails={
            "client_id": provider.client,
            "client_secret": provider.secret,
            "authorize_scopes": " ".join(SCOPES),
            "attributes_request_method": "GET",
            "oidc_issuer": issuer,
            "authorize_url": f"{provider.hosted}{contract.AUTHORIZE_PATH}",
            "token_url": f"{provider.hosted}{contract.TOKEN_PATH}",
            "attributes_url": f"{provider.hosted}/oauth2/userInfo",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
        },
        AttributeMapping={"email": "email", "email_verified": "email_verified", "username": "sub"},
    )


def _wait_for(url: str) -> None:
    """Wait until the name of a new domain resolves and a server answers."""
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while True:
        try:
            requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(5)
        else:
            return
