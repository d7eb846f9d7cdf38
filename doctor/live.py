"""`python -m doctor.live --profile NAME --region REGION`: try on a live user pool what is not known of Cognito.

The command creates two user pools with a random name in the account of the profile. It removes them at the end, also
after an error or Ctrl-C, and reads and changes nothing else. It prints dated lines for docs/reference/fidelity.md.
"""

import argparse
import base64
import datetime
import json
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import requests
from botocore.exceptions import BotoCoreError, ClientError

from doctor.browser import UnexpectedPageError, password_form
from doctor.scratch import Scratch, reason, scratch
from handlers import contract

PASSWORD = "scratch-" + secrets.token_urlsafe(16)  # of users that exist for minutes
MAILBOX = "success+{}@simulator.amazonses.com"  # Amazon SES's mailbox simulator accepts every mail
TRIES = 5
MAX_MAILS = 60  # Cognito itself sends 50 a day
HOURS_TO_EXPIRE = 25  # a temporary password of the scratch pool is valid for a day

ABOUT = """This creates, in the AWS account {account} ({caller}), region {region}:
  two user pools with a domain each, one Lambda function and one IAM role, all named {name}…
It signs in test users there, reads and changes nothing else, and removes everything at the end.
{mails}
Type the account number to continue: """


def e1(pool: Scratch) -> Iterator[str]:
    """B10, B11: does CUSTOM_AUTH sign in a linked user, and which status does a hosted sign-in set?"""
    subject = pool.create_user(pool.provider, "e1-user", password=PASSWORD)
    pool.create_user(pool.login, "e1")
    pool.link("e1", subject)
    yield f"before a hosted sign-in, CUSTOM_AUTH of a linked user in {pool.status('e1')}: {_challenged(pool, 'e1')}"
    yield f"tokens only if VerifyAuthChallengeResponse is given identities: {_challenged(pool, 'e1', 'identities')}"
    for which in ("first", "second"):
        pool.hosted_sign_in("e1-user", PASSWORD)
        yield f"after the {which} hosted sign-in the status is {pool.status('e1')}"
    yield f"after them, CUSTOM_AUTH: {_challenged(pool, 'e1')}"


def _challenged(pool: Scratch, name: str, answer: str = "right") -> str:
    try:
        return "tokens" if pool.custom_challenge(name, answer) else "no tokens"
    except ClientError as error:
        return f"no tokens ({reason(error)})"


def e2(pool: Scratch) -> Iterator[str]:
    """B12: does CUSTOM_AUTH work once the temporary password has expired?"""
    pool.create_user(pool.login, "e2")
    time.sleep(HOURS_TO_EXPIRE * 3600)
    yield f"{HOURS_TO_EXPIRE} h after AdminCreateUser, whose password is valid for a day: {_challenged(pool, 'e2')}"


def e3(pool: Scratch) -> Iterator[str]:
    """B8: which fields does the hosted sign-up form have if the e-mail is not required?"""
    form = password_form(pool.sign_up_page())
    yield f"the hosted sign-up form asks for {', '.join(sorted(form.inputs))}"


def e4(pool: Scratch) -> Iterator[str]:
    """B15: which claims does the ID token of a federated user have?"""
    pool.create_user(pool.provider, "E4-Person", password=PASSWORD, email=MAILBOX.format("e4"))
    tokens = pool.hosted_sign_in("E4-Person", PASSWORD)
    claims = _claims(tokens["id_token"])
    prefix = str(claims.get(contract.USERNAME_CLAIM, "")).partition("_")[0]
    yield f"an ID token has identities: {'identities' in claims}; its {contract.USERNAME_CLAIM} begins with {prefix!r}"
    yield f"its email_verified is {claims.get('email_verified')!r}"
    time.sleep(2)  # another second than that of the sign-in
    refreshed = pool.refreshed(tokens["refresh_token"]) or {}
    kept = "id_token" in refreshed and _claims(refreshed["id_token"]).get("auth_time") == claims.get("auth_time")
    yield f"auth_time is the same after a refresh: {kept}"


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def e5(pool: Scratch) -> Iterator[str]:
    """B13, B16: do tokens issued right after AdminUserGlobalSignOut work? What is the answer in RESET_REQUIRED?"""
    pool.create_user(pool.login, "e5", password=PASSWORD, email=MAILBOX.format("e5"))
    user = {"UserPoolId": pool.login.id, "Username": "e5"}
    for seconds in (0, 1, 2):
        alive = 0
        for _ in range(TRIES):
            pool.cognito.admin_user_global_sign_out(**user)
            time.sleep(seconds)
            alive += pool.refreshed(pool.password_sign_in("e5", PASSWORD)) is not None
        yield f"signed in {seconds} s after AdminUserGlobalSignOut: {alive} of {TRIES} refresh tokens work"
    pool.cognito.admin_reset_user_password(**user)
    yield f"a sign-in in {pool.status('e5')}: {_password_refusal(pool)}"


def _password_refusal(pool: Scratch) -> str:
    try:
        pool.password_sign_in("e5", PASSWORD)
    except ClientError as error:
        return reason(error)
    return "tokens"


def e8(pool: Scratch) -> Iterator[str]:
    """Does a user exist whose SignUp fails at the limit of mails?"""
    for number in range(MAX_MAILS):
        name = f"e8-{number}"
        try:
            pool.cognito.sign_up(
                ClientId=pool.login.client,
                Username=name,
                Password=PASSWORD,
                UserAttributes=[{"Name": "email", "Value": MAILBOX.format(name)}],
            )
        except ClientError as error:
            yield f"after {number} mails {reason(error)}; the user is kept: {_exists(pool, name)}"
            return
    yield f"{MAX_MAILS} sign-ups reached no limit"


def _exists(pool: Scratch, name: str) -> bool:
    try:
        pool.status(name)
    except pool.cognito.exceptions.UserNotFoundException:
        return False
    return True


Experiment = Callable[[Scratch], Iterator[str]]


def chosen(*, use_up_mails: bool, wait: bool) -> dict[str, Experiment]:
    """Return the experiments by their names in docs/reference/fidelity.md, in the order in which they run."""
    experiments: dict[str, Experiment] = {"E1": e1, "E3": e3, "E4": e4, "E5": e5}
    return experiments | ({"E8": e8} if use_up_mails else {}) | ({"E2": e2} if wait else {})


def results(pool: Scratch, experiments: dict[str, Experiment], region: str) -> Iterator[str]:
    """Run each experiment, also after one that failed, and yield the results as lines of Markdown."""
    for name, experiment in experiments.items():
        line = f"- {datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {region}, {name}: "
        try:
            for seen in experiment(pool):
                yield line + seen
        except (BotoCoreError, ClientError, requests.RequestException) as error:
            yield f"{line}not known: {reason(error)}"
        except UnexpectedPageError as error:
            yield f"{line}not known: {error}"


def main() -> None:
    """Ask for consent and run the experiments. Exit with 1 if something is left in the account."""
    parser = argparse.ArgumentParser(
        prog="python -m doctor.live", description="Try on a live user pool what is not known of Cognito."
    )
    parser.add_argument("--profile", required=True, help="AWS profile of the account to use")
    parser.add_argument("--region", required=True)
    parser.add_argument("--use-up-mails", action="store_true", help="E8: send mails until Cognito refuses, 50 a day")
    parser.add_argument(
        "--wait", action="store_true", help=f"E2: takes {HOURS_TO_EXPIRE} h; the credentials must be valid as long"
    )
    parser.add_argument("--hosted-login", default="", help="address of the hosted login of an emulator")
    given = parser.parse_args()
    name = f"kakao-login-scratch-{secrets.token_hex(4)}"
    session = boto3.Session(profile_name=given.profile, region_name=given.region)
    try:
        caller = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"The profile {given.profile} cannot be used: {reason(error)}")
    mails = "It uses up the mails that Cognito can send for this account today." if given.use_up_mails else ""
    if not _agreed(account=caller["Account"], caller=caller["Arn"], region=given.region, name=name, mails=mails):
        sys.exit("Nothing was created.")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    experiments = chosen(use_up_mails=given.use_up_mails, wait=given.wait)
    try:
        with scratch(session, name, given.hosted_login, _say) as (pool, created):
            for line in results(pool, experiments, given.region):
                print(line, flush=True)
    except (BotoCoreError, ClientError, requests.RequestException) as error:
        sys.exit(f"The user pools could not be created: {reason(error)}")
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    sys.exit(f"Left in {caller['Account']}: {', '.join(created.left)}" if created.left else 0)


def _agreed(**about: str) -> bool:
    _say(ABOUT.format(**about))
    return sys.stdin.readline().strip() == about["account"]


def _interrupted(_number: int, _frame: object) -> None:
    """End the experiments, and ignore further signals during the removal."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
