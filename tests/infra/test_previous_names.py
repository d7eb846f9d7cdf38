"""A stack of the first version is brought up by this program without replacing what it holds.

first_version.txt lists its resources, as the end of each URN: types from the top, then the name.
"""

from pathlib import Path

import pytest

from sandbox.program import ROOT
from tests.infra.engine import Declared, Graph, declare_everything

FIRST_VERSION = set((Path(__file__).parent / "first_version.txt").read_text().split())
WITH_A_CHAT = ROOT / "tests" / "infra" / "programs" / "with_a_chat.py"
GONE = {
    f"kakao-login:infra:Site$aws:s3/bucketObjectv2:BucketObjectv2::site-{file}"
    for file in ("error.html", "favicon.svg")  # files of the page
}
STATEFUL = {
    "aws:apigatewayv2/api:Api",
    "aws:apigatewayv2/stage:Stage",
    "aws:cloudfront/distribution:Distribution",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:cognito/identityProvider:IdentityProvider",
    "aws:cognito/userPool:UserPool",
    "aws:cognito/userPoolClient:UserPoolClient",
    "aws:cognito/userPoolDomain:UserPoolDomain",
    "aws:s3/bucket:Bucket",
    "aws:sns/topicSubscription:TopicSubscription",
}


@pytest.fixture(scope="module")
def everything() -> Graph:
    """The login and the chat, which a stack of the first version has."""
    return declare_everything(program=WITH_A_CHAT)


CLIENT = "kakao-login:infra:Login$aws:cognito/userPoolClient:UserPoolClient::login-client"


def matched(graph: Graph, first_version: set[str] = FIRST_VERSION) -> dict[str, Declared]:
    """Return, by the old URN, what Pulumi's engine takes for the same resource.

    Its rule is that of `generateAliases` in github.com/pulumi/pulumi, pkg/resource/deploy/step_generator.go: a resource
    is its own URN, then each alias, then what follows from the alias by which its parent was matched. The last is left
    out here, since a parent that an earlier `up` has moved has none.
    """
    found: dict[str, Declared] = {}

    def urn(parent: str, kind: str, name: str) -> str:
        chain = parent.rpartition("::")[0]
        return f"{chain}${kind}::{name}" if chain else f"{kind}::{name}"

    components = [r for r in graph.resources if r.type.startswith("kakao-login:")]
    own: dict[tuple[str, str], str] = {}
    for resource in [*components, *graph.custom()]:
        parent = next(
            (c for c in components if c.name == resource.parent and c is not resource and has(c, resource)), None
        )
        parent_urn = own[parent.type, parent.name] if parent else ""
        own[resource.type, resource.name] = urn(parent_urn, resource.type, resource.name)
        candidates = [own[resource.type, resource.name]]
        for alias in resource.aliases:
            kind, name = alias["type"] or resource.type, alias["name"] or resource.name
            top = resource.type.startswith("kakao-login:")
            above = "" if top else alias["parent"].rpartition("::kakao-login::")[2] or parent_urn
            candidates.append(urn(above, kind, name))
        old = next((candidate for candidate in candidates if candidate in first_version), None)
        if old:
            assert old not in found, f"{found[old].name} and {resource.name} are both {old}"
            found[old] = resource
    return found


def has(component: Declared, resource: Declared) -> bool:
    """Whether this component, and not another one of the same name, is the resource's parent."""
    return resource.parent_type == component.type


def test_every_stateful_resource_of_the_first_version_is_kept(everything: Graph) -> None:
    kept = matched(everything)
    lost = {urn for urn in FIRST_VERSION - set(kept) if urn.rpartition("$")[2].partition("::")[0] in STATEFUL}
    assert not lost


def test_only_removed_resources_of_the_first_version_have_no_successor(everything: Graph) -> None:
    assert FIRST_VERSION - set(matched(everything)) == GONE


def test_an_interrupted_upgrade_can_be_continued(everything: Graph) -> None:
    """The engine has moved the components, and with them the beginning of their children's URNs, and nothing else."""
    moved = {old: new for old, new in matched(everything).items() if new.type.startswith("kakao-login:")}
    types = {old.partition("::")[0]: new.type for old, new in moved.items() if new.name != "chat"}
    left = {
        f"kakao-login:infra:KakaoLogin${types[top]}${rest}" if "::chat" not in urn else urn
        for urn in FIRST_VERSION - set(moved)
        for top, _, rest in [urn.partition("$")]
    }
    assert left - set(matched(everything, left)) == {
        urn.replace("kakao-login:infra:Site$", "kakao-login:infra:KakaoLogin$kakao-login:infra:Site$") for urn in GONE
    }


def test_mobile_apps_keep_their_client_and_the_site_gets_a_new_one(everything: Graph) -> None:
    assert matched(everything)[CLIENT]["generateSecret"] is False
    assert everything.exports["appClientId"] == matched(everything)[CLIENT].outputs["id"]


def test_without_mobile_apps_the_client_of_the_first_version_is_deleted() -> None:
    """It is protected in the stack's state: docs/guides/operations.md says what to do first."""
    assert FIRST_VERSION - set(matched(declare_everything(program=WITH_A_CHAT, appCallbacks=[]))) == GONE | {CLIENT}


def test_an_alias_matches_only_a_resource_of_the_same_type(everything: Graph) -> None:
    for old, resource in matched(everything).items():
        assert old.rpartition("$")[2].partition("::")[0].startswith("kakao-login:") or (
            old.rpartition("$")[2].partition("::")[0] == resource.type
        )
