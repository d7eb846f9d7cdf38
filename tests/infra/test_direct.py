"""A stack whose users sign in at Kakao itself (`kakaoSignIn: direct`), and the change from one mode to the other."""

import json

import pytest

from handlers import contract
from infra import packaging
from tests.infra.engine import (
    DIRECT,
    REQUIRED,
    SITE_SECRET,
    Declared,
    Graph,
    declare,
    declare_site_client,
    function_behind,
    functions,
    statements,
)

KAKAO_SECRET = REQUIRED["kakao-login:kakaoClientSecret"]
WEB = "handlers.kakao_web_sign_in.handler"


MAPPED = {"phone_number": "phone_number", "birthdate": "birthdate", "ci": "custom:ci"}


@pytest.fixture(scope="module")
def mapped() -> Graph:
    """With native apps, another origin and mapped consents, and with `newProfiles`."""
    more = {"kakaoAppKeys": ["native-key"], "extraOrigins": ["http://localhost:3000"], "newProfiles": True}
    return declare(DIRECT | more | {"kakaoAttributes": MAPPED})


def variables(function: Declared) -> dict[str, str]:
    told: dict[str, str] = function["environment"]["variables"]
    return told


def actions_of(graph: Graph, module: str) -> set[str]:
    (role,) = graph.function(module).sources["role"]
    policies = [policy for policy in graph.all("RolePolicy") if policy.sources["role"] == {role}]
    return {
        action.removeprefix("cognito-idp:Admin")
        for policy in policies
        for statement in statements(policy["policy"])
        for action in statement["Action"]
        if action.startswith("cognito-idp:")
    }


def test_direct_mode_has_no_identity_provider_hosted_login_or_federation_alarm(direct: Graph, stack: Graph) -> None:
    for kind in ("IdentityProvider", "UserPoolDomain"):
        assert stack.all(kind)
        assert direct.all(kind) == []
    throttles = [alarm.name for alarm in stack.all("MetricAlarm") if alarm.inputs.get("metricName") == FEDERATION]
    assert throttles == ["login-pool-sign-in-throttles"]
    assert not [alarm for alarm in direct.all("MetricAlarm") if alarm.inputs.get("metricName") == FEDERATION]


FEDERATION = "FederationThrottles"


def test_in_direct_mode_only_the_login_routes_reach_another_function(direct: Graph, stack: Graph) -> None:
    def reached(graph: Graph) -> dict[str, str]:
        routes = graph.of_api("HTTP", "Route")
        return {route["routeKey"]: function_behind(graph, route)["handler"] for route in routes}

    changed = {f"{method} {contract.path_of(route)}" for method in ("GET", "HEAD") for route in contract.LOGIN_ROUTES}
    of_hosted_login = {
        f"{method} {contract.path_of(route)}"
        for method in ("GET", "HEAD")
        for route in (contract.KAKAO_AUTHORIZE, contract.KAKAO_USER_INFO)
    }
    before = {route: function for route, function in reached(stack).items() if route not in of_hosted_login}
    assert reached(direct) == before | dict.fromkeys(changed, WEB)
    assert {reached(stack)[route] for route in changed} == {"handlers.session.handler"}


def test_in_direct_mode_kakao_redirects_to_the_site(direct: Graph) -> None:
    assert direct.exports["kakaoRedirectUri"] == f"{direct.exports['siteUrl']}/api/auth/callback"
    assert "appClientId" not in direct.exports


def test_in_direct_mode_the_sites_client_has_no_oauth_flows(direct: Graph) -> None:
    client = direct.one("UserPoolClient")
    assert client["generateSecret"] is True
    assert client["allowedOauthFlowsUserPoolClient"] is False
    for key in ("allowedOauthFlows", "allowedOauthScopes", "callbackUrls", "logoutUrls"):
        assert client[key] == []  # absent, the provider would keep what the hosted login had
    assert client["supportedIdentityProviders"] == ["COGNITO"]
    assert set(client["explicitAuthFlows"]) == {"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"}


def test_both_kakao_sign_ins_have_the_same_permissions_and_cannot_link_delete_or_set_passwords(direct: Graph) -> None:
    expected = {"GetUser", "CreateUser", "UpdateUserAttributes", "InitiateAuth", "RespondToAuthChallenge"}
    assert actions_of(direct, "kakao_web_sign_in") == actions_of(direct, "kakao_sign_in") == expected
    for function in functions(direct):
        module = function["handler"].split(".")[1]
        if module not in ("kakao_web_sign_in", "kakao_sign_in"):
            assert not {"CreateUser", "UpdateUserAttributes"} & actions_of(direct, module), module


def test_the_web_sign_in_accepts_only_tokens_of_the_rest_api_key(mapped: Graph) -> None:
    told = variables(mapped.function("kakao_web_sign_in"))
    assert json.loads(told["KAKAO_APP_KEYS"]) == [told["KAKAO_CLIENT_ID"]] == ["rest-api-key"]
    for module in ("kakao_sign_in", "kakao_challenge"):  # an app's token is issued to the native key
        assert json.loads(variables(mapped.function(module))["KAKAO_APP_KEYS"]) == ["rest-api-key", "native-key"]


def test_a_web_sign_in_is_told_its_origins_kakaos_addresses_and_the_scopes(direct: Graph, mapped: Graph) -> None:
    told = variables(direct.function("kakao_web_sign_in"))
    assert told["KAKAO_AUTHORIZE_URL"] == "https://kauth.kakao.com/oauth/authorize"
    assert told["KAKAO_TOKEN_URL"] == "https://kauth.kakao.com/oauth/token"
    assert told["KAKAO_SCOPES"] == "openid account_email profile_nickname"
    origins = json.loads(variables(mapped.function("kakao_web_sign_in"))["SITE_ORIGINS"])
    assert origins == [mapped.exports["siteUrl"], "http://localhost:3000"]


def test_in_direct_mode_the_kakao_functions_know_that_profiles_have_no_links(direct: Graph, stack: Graph) -> None:
    for module in ("kakao_web_sign_in", "kakao_sign_in", "kakao_challenge"):
        assert variables(direct.function(module))[contract.ENV_DIRECT_SIGN_IN] == "true"
    for function in functions(stack):
        assert contract.ENV_DIRECT_SIGN_IN not in function.inputs.get("environment", {}).get("variables", {})
    for name in (contract.ENV_AUTHORIZE_URL, contract.ENV_HOSTED_LOGIN_URL):
        assert repr(name) not in repr([function.inputs for function in functions(direct)])


def test_both_kakao_sign_ins_map_the_same_consents_and_the_web_requests_their_scopes(mapped: Graph) -> None:
    for module in ("kakao_web_sign_in", "kakao_sign_in"):
        assert json.loads(variables(mapped.function(module))[contract.ENV_KAKAO_ATTRIBUTES]) == MAPPED
    scopes = variables(mapped.function("kakao_web_sign_in"))["KAKAO_SCOPES"].split()
    assert {"phone_number", "birthyear", "birthday"} <= set(scopes)


def test_in_direct_mode_no_client_may_write_mapped_attributes(mapped: Graph) -> None:
    clients = mapped.all("UserPoolClient")
    assert clients
    for client in clients:
        assert set(client["readAttributes"]) >= set(MAPPED.values())
        assert set(client["writeAttributes"]) == {"email", "nickname"}


def test_only_one_function_has_kakaos_secret_and_its_environment_is_secret(direct: Graph) -> None:
    holders = [resource for resource in direct.resources if KAKAO_SECRET in repr(resource.inputs)]
    assert holders == [direct.function("kakao_web_sign_in")]
    assert holders[0].secret_inputs == {"environment"}
    assert KAKAO_SECRET not in repr(direct.exports)
    for function in functions(direct):
        module = function["handler"].split(".")[1]
        acts = module in ("session", "accounts", "kakao_sign_in", "kakao_web_sign_in")
        assert (SITE_SECRET in repr(function.inputs)) is acts, module
        assert ("environment" in function.secret_inputs) is acts, module


def test_kakaos_secret_is_in_no_package(direct: Graph) -> None:
    for name in (REQUIRED["kakao-login:kakaoClientId"], KAKAO_SECRET):
        for file in (packaging.HANDLERS).glob("*.py"):
            assert name not in file.read_text()


# The change of the mode


@pytest.mark.parametrize(("before", "after"), [("hosted", "direct"), ("direct", "hosted")])
def test_a_change_of_the_mode_would_replace_a_protected_client(before: str, after: str) -> None:
    """The engine refuses to replace a resource that was protected and still is (step_generator.go).

    The real engine, over the real provider, has refused both changes.
    """
    old, new = (declare(DIRECT | {"kakaoSignIn": mode}).one("UserPoolClient") for mode in (before, after))
    assert old.tail == new.tail
    (property_,) = new.replaced_by
    assert old[property_] != new[property_]
    assert old.protect
    assert new.protect


@pytest.mark.parametrize("mode", ["hosted", "direct"])
def test_with_new_profiles_the_client_may_be_replaced_and_the_pool_stays(mode: str, mapped: Graph) -> None:
    graph = mapped if mode == "direct" else declare_site_client(new_profiles=True)
    assert not graph.one("UserPoolClient").protect
    assert graph.one("UserPool").protect
    assert not graph.one("UserPool").replaced_by
