"""The team's functions that are called at a first sign-in."""

import pytest

from infra import packaging
from infra.alarms import Alarms
from infra.first_sign_in import FirstSignIn
from infra.function import Function, Platform
from tests.infra.engine import Graph, declare_component

NAMES = ("welcome", "mail", "count")


@pytest.fixture(scope="module")
def three() -> Graph:
    def program() -> None:
        platform = Platform("python3.13", "arm64", 14, "", False, Alarms("alarms", email=""))
        first = FirstSignIn("login-first")
        for name in NAMES:
            first.call(Function(name, source=packaging.HANDLERS / "pre_authentication.py", platform=platform))

    return declare_component(program)


def test_each_function_is_subscribed_to_the_topic_that_may_call_it(three: Graph) -> None:
    topic = three.named("login-first-topic").outputs["arn"]
    arns = {three.named(f"aws:lambda/function:Function::{name}").outputs["arn"] for name in NAMES}
    assert {(each["topic"], each["endpoint"]) for each in three.all("TopicSubscription")} == {(topic, a) for a in arns}
    assert {(each["sourceArn"], each["function"]) for each in three.all("Permission")} == {(topic, arn) for arn in arns}


def test_the_first_function_keeps_the_resources_of_a_stack_with_one_function(three: Graph) -> None:
    named = {
        r.name: [a["name"] for a in r.aliases] for kind in ("TopicSubscription", "Permission") for r in three.all(kind)
    }
    assert named == {
        "login-first-welcome-function": ["login-first-function"],
        "login-first-welcome-permission": ["login-first-permission"],
        **{f"login-first-{name}-{part}": [] for name in NAMES[1:] for part in ("function", "permission")},
    }


def test_a_function_declared_before_the_former_one_takes_no_subscription_from_it(three: Graph) -> None:
    """Else Subscribe would return the old subscription for the former function, and its deletion would remove it."""
    first, second, third = (three.named(f"login-first-{name}-function") for name in NAMES)
    assert first.deleted_first
    assert first.tail in second.dependencies
    assert second.tail in third.dependencies
