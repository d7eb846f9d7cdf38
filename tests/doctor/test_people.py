"""`python -m doctor.people`, with a user pool of moto."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from doctor import people, stack
from doctor.people import People, RefusedError
from tests.handlers.moto_aws import moto_aws, user_pools


@pytest.fixture
def pool() -> Iterator[tuple[Any, str]]:
    client = user_pools()
    with moto_aws():
        pool_id = client.create_user_pool(PoolName="people")["UserPool"]["Id"]
        for group in ("admin", "editor", f"{pool_id}_Kakao"):
            client.create_group(UserPoolId=pool_id, GroupName=group)
        for name, email in (("haneul@example.com", "haneul@example.com"), ("kakao_1", "bada@example.com")):
            attributes = [{"Name": "email", "Value": email}]
            client.admin_create_user(UserPoolId=pool_id, Username=name, UserAttributes=attributes)
        client.admin_add_user_to_group(UserPoolId=pool_id, Username="kakao_1", GroupName=f"{pool_id}_Kakao")
        yield client, pool_id


@pytest.fixture
def ours(pool: tuple[Any, str]) -> People:
    return People(*pool)


def sub_of(pool: tuple[Any, str], name: str) -> str:
    client, pool_id = pool
    user = client.admin_get_user(UserPoolId=pool_id, Username=name)
    return next(one["Value"] for one in user["UserAttributes"] if one["Name"] == "sub")


@pytest.mark.parametrize("named", ["kakao_1", "bada@example.com", "sub"])
def test_a_user_is_found_by_e_mail_user_name_or_sub(ours: People, pool: tuple[Any, str], named: str) -> None:
    user = sub_of(pool, "kakao_1") if named == "sub" else named
    assert ours.add(user, "admin").startswith("kakao_1 is in admin")
    assert ours.members_of("admin") == "kakao_1"
    assert ours.groups_of(user) == "kakao_1: admin"
    assert ours.remove(user, "admin").startswith("kakao_1 is not in admin")
    assert ours.groups_of(user) == "kakao_1: no group"
    assert ours.members_of("admin") == "nobody is in admin"


@pytest.mark.parametrize("user", ["nobody@example.com", "kakao_2", "7d2f7a3e-0000-4000-8000-000000000001"])
def test_an_unknown_user_is_refused_with_the_reason(ours: People, user: str) -> None:
    with pytest.raises(RefusedError, match="A user exists after the first sign-in"):
        ours.add(user, "admin")


def test_an_e_mail_of_several_users_is_refused_with_their_user_names(ours: People, pool: tuple[Any, str]) -> None:
    client, pool_id = pool
    attributes = [{"Name": "email", "Value": "haneul@example.com"}]
    client.admin_create_user(UserPoolId=pool_id, Username="kakao_2", UserAttributes=attributes)
    with pytest.raises(RefusedError, match=r"several users\. Name one of them: haneul@example\.com, kakao_2"):
        ours.add("haneul@example.com", "admin")


@pytest.mark.parametrize("group", ["admn", "", "ap-northeast-2_x_Kakao"])
def test_a_group_that_the_setting_does_not_name_is_refused_and_the_others_are_named(ours: People, group: str) -> None:
    for refused in (lambda: ours.add("kakao_1", group), lambda: ours.members_of(group)):
        with pytest.raises(RefusedError, match=r"there is: admin, editor\. The setting `groups` declares them"):
            refused()


def test_a_quotation_mark_in_a_user_name_is_refused(ours: People) -> None:
    with pytest.raises(RefusedError, match="without quotation marks"):
        ours.add('x" or username ^= "', "admin")


def test_the_client_for_a_sandbox_calls_the_local_emulator(tmp_path: Path) -> None:
    file = tmp_path / "sandbox-4000.json"
    config = {"aws:region": "ap-northeast-2", "aws:accessKey": "test", "aws:secretKey": "test"}
    config["aws:endpoints"] = '[{"cognitoidp": "http://127.0.0.1:4003"}]'
    described = {key: {"value": value, "secret": False} for key, value in config.items()}
    outputs = {"userPoolId": "ap-northeast-2_x", "siteUrl": "http://localhost:4000"}
    file.write_text(json.dumps({"config": described, "outputs": outputs}))
    client = people._client(stack.from_file(file))
    assert client.meta.endpoint_url == "http://127.0.0.1:4003"


def test_an_unreachable_stack_is_an_error_message_without_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(stack.UnreadableError, match="Start the sandbox"):
        people.main(["--file", str(tmp_path / "sandbox-4000.json"), "groups", "kakao_1"])
