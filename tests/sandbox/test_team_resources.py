"""The applier applies each type that a team may declare beside the login, and each resource works."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from pulumi.runtime.mocks import MockResourceArgs

from deployment.service_types import TYPES
from sandbox.aws import Account, Applier, NotApplicableError
from sandbox.emulator import Emulator
from tests.infra.engine import declare_component
from tests.team import program

pytestmark = pytest.mark.sandbox


@dataclass(frozen=True)
class Team:
    """The team's program as applied, and its exports."""

    account: Account
    applier: Applier
    exports: dict[str, Any] = field(default_factory=dict)

    def apply(self, **changed: Any) -> list[str]:
        """Apply the program again, and return the names of what has changed."""
        self.exports.update(self.applier.run(stack="local", config={}, main=partial(program.declare, **changed)))
        return self.applier.changed

    def call(self, service: str, operation: str, **given: Any) -> dict[str, Any]:
        return self.account.call(service, operation, given)

    def send(self, text: str) -> None:
        self.call("sqs", "SendMessage", QueueUrl=self.exports["jobs"], MessageBody=text)

    def say(self, text: str, detail_type: str = "said") -> None:
        event = {"Source": "team", "DetailType": detail_type, "Detail": json.dumps({"text": text})}
        self.call("events", "PutEvents", Entries=[event | {"EventBusName": self.exports["bus"]}])

    def seen(self, source: str, text: str) -> dict[str, str] | None:
        """Return the item that the function wrote for this text of this source."""
        key = {"from": {"S": source}, "text": {"S": text}}
        found = self.call("dynamodb", "GetItem", TableName=self.exports["seen"], Key=key).get("Item")
        return {name: value["S"] for name, value in found.items()} if found else None

    def wait(self, source: str, text: str) -> dict[str, str]:
        return wait_for(lambda: self.seen(source, text))


def wait_for(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def applied(emulator: Emulator) -> Team:
    account = Account(emulator.url, "ap-northeast-2")
    return Team(account, Applier(account))


@pytest.fixture
def team(applied: Team) -> Team:
    """Applied with the values that the program has without a change."""
    applied.apply()
    return applied


def test_the_teams_program_has_each_type_that_github_may_deploy() -> None:
    assert {resource.type for resource in declare_component(program.declare).custom()} >= TYPES.keys()


def test_a_message_in_a_queue_reaches_its_function_and_is_deleted(team: Team) -> None:
    team.send("job")
    assert team.wait("aws:sqs", "job")
    left = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    asked = {"QueueUrl": team.exports["jobs"], "AttributeNames": left}
    wait_for(lambda: set(team.call("sqs", "GetQueueAttributes", **asked)["Attributes"].values()) == {"0"})


def test_a_message_of_a_topic_reaches_the_function_and_the_queue(team: Team) -> None:
    team.call("sns", "Publish", TopicArn=team.exports["topic"], Message="news")
    assert team.wait("aws:sns", "news")
    assert [wait_for(lambda: message(team))] == ["news"]


def message(team: Team) -> str | None:
    """The next message in the queue that has no function."""
    found = team.call("sqs", "ReceiveMessage", QueueUrl=team.exports["mail"]).get("Messages")
    return found[0]["Body"] if found else None


def test_an_event_on_the_bus_reaches_the_target_of_its_rule_and_another_event_does_not(team: Team) -> None:
    team.say("another", "heard")
    team.say("event")
    assert team.wait("team", "event")
    assert team.seen("team", "another") is None


def test_a_written_item_reaches_the_function_of_the_tables_stream(team: Team) -> None:
    team.call("dynamodb", "PutItem", TableName=team.exports["words"], Item={"id": {"S": "word"}})
    assert team.wait("aws:dynamodb", "word")


def test_a_function_reads_a_secret_and_a_parameter(team: Team) -> None:
    team.send("values")
    found = team.wait("aws:sqs", "values")
    assert (found["secret"], found["parameter"]) == ("s3cret", "on")


def test_an_event_source_without_read_permission_is_refused_with_the_permissions_to_add(team: Team) -> None:
    asked = {"QueueUrl": team.exports["mail"], "AttributeNames": ["QueueArn"]}
    queue = team.call("sqs", "GetQueueAttributes", **asked)["Attributes"]["QueueArn"]
    inputs = {"functionName": team.exports["recorder"], "eventSourceArn": queue}
    kind = "aws:lambda/eventSourceMapping:EventSourceMapping"
    with pytest.raises(NotApplicableError, match=f"{queue}: add sqs:ReceiveMessage, sqs:DeleteMessage"):
        team.applier.new_resource(MockResourceArgs(kind, "mail", inputs, custom=True))


def test_an_unchanged_program_changes_no_resource(team: Team) -> None:
    assert team.apply() == []


def test_a_changed_value_is_applied_and_data_stays(team: Team) -> None:
    team.send("before")
    team.wait("aws:sqs", "before")
    changed = team.apply(word="second", secret="new", parameter="off", timeout=60)
    assert set(changed) == {"recorder", "key", "flag", "jobs", "mail"}
    team.send("after")
    found = team.wait("aws:sqs", "after")
    assert (found["word"], found["secret"], found["parameter"]) == ("second", "new", "off")
    asked = {"QueueUrl": team.exports["jobs"], "AttributeNames": ["VisibilityTimeout"]}
    assert team.call("sqs", "GetQueueAttributes", **asked)["Attributes"] == {"VisibilityTimeout": "60"}
    assert team.seen("aws:sqs", "before")


def test_a_changed_event_pattern_is_applied(team: Team) -> None:
    assert team.apply(pattern={"source": ["team"], "detail-type": ["heard"]}) == ["said"]
    team.say("old pattern")
    team.say("new pattern", "heard")
    assert team.wait("team", "new pattern")
    assert team.seen("team", "old pattern") is None


def test_a_removed_subscription_delivers_no_more_messages(team: Team) -> None:
    removed = team.apply(news=False)
    assert {"recorder", "mail", "said", "bus"} <= set(removed)
    team.call("sns", "Publish", TopicArn=team.exports["topic"], Message="to nobody")
    team.send("after the topic")
    team.wait("aws:sqs", "after the topic")
    assert team.seen("aws:sns", "to nobody") is None
    buses = team.call("events", "ListEventBuses")["EventBuses"]
    assert team.exports["bus"] not in {bus["Name"] for bus in buses}
