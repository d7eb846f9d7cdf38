import json

import pulumi
import pytest

from infra.alarms import Alarms
from infra.function import Function, Platform
from infra.websocket_api import WebSocketApi, WebSocketService
from sandbox.program import ROOT
from tests.infra.engine import VARIED, Declared, Graph, declare, declare_component, function_behind, statements
from tests.programs import WITH_A_SOCKET

ROUTES = ("$connect", "$disconnect", "$default")


def routes(stack: Graph) -> dict[str, Declared]:
    return {route["routeKey"]: route for route in stack.of_api("WEBSOCKET", "Route")}


def variables(stack: Graph, function: str) -> dict[str, str]:
    found: dict[str, str] = stack.function(function)["environment"]["variables"]
    return found


ECHO = "aws:lambda/function:Function::echo"


@pytest.fixture(scope="module")
def served() -> Graph:
    """The login with a service at its WebSocket, which answers at an address of the settings."""
    return declare({"websocketManagementUrl": VARIED["websocketManagementUrl"]}, program=WITH_A_SOCKET)


def test_every_event_of_a_connection_reaches_the_service(served: Graph) -> None:
    reached = {key: function_behind(served, route).tail for key, route in routes(served).items()}
    assert reached == dict.fromkeys(ROUTES, ECHO)
    (integration,) = served.of_api("WEBSOCKET", "Integration")
    assert integration["integrationType"] == "AWS_PROXY"
    assert integration["integrationUri"] == served.named(ECHO).outputs["invokeArn"]


def test_a_connection_needs_the_authorizer(served: Graph) -> None:
    (authorizer,) = served.of_api("WEBSOCKET", "Authorizer")
    connect = routes(served)["$connect"]
    assert (connect["authorizationType"], connect["authorizerId"]) == ("CUSTOM", authorizer.outputs["id"])
    assert authorizer["authorizerType"] == "REQUEST"
    assert authorizer["authorizerUri"] == served.function("connect_authorizer").outputs["invokeArn"]


def test_the_authorizer_is_called_for_every_connection_with_any_headers(stack: Graph) -> None:
    (authorizer,) = stack.of_api("WEBSOCKET", "Authorizer")
    assert authorizer["identitySources"] == []
    assert "authorizerResultTtlInSeconds" not in authorizer.inputs


def test_only_this_apis_stage_may_call_the_service_and_the_authorizer_function(served: Graph) -> None:
    arn = served.one("Api", protocolType="WEBSOCKET").outputs["executionArn"]
    (authorizer,) = served.of_api("WEBSOCKET", "Authorizer")
    sources = {f"{arn}/authorizers/{authorizer.outputs['id']}": served.function("connect_authorizer")}
    sources |= {f"{arn}/ws/{key}": served.named(ECHO) for key in ROUTES}
    for source, function in sources.items():
        permission = served.one("Permission", sourceArn=source)
        assert permission["principal"] == "apigateway.amazonaws.com"
        assert permission["action"] == "lambda:InvokeFunction"
        assert permission["function"] == function.outputs["arn"]
    callers = {p["sourceArn"] for p in served.all("Permission") if arn in p["sourceArn"]}
    assert callers == set(sources)


def test_the_stage_deploys_automatically_and_has_throttling_limits_above_zero(stack: Graph) -> None:
    (stage,) = stack.of_api("WEBSOCKET", "Stage")
    assert (stage["name"], stage["autoDeploy"]) == ("ws", True)
    assert stage["defaultRouteSettings"]["throttlingBurstLimit"] > 0
    assert stage["defaultRouteSettings"]["throttlingRateLimit"] > 0


def test_each_connection_and_message_has_an_access_log_line_without_personal_data(stack: Graph) -> None:
    (stage,) = stack.of_api("WEBSOCKET", "Stage")
    settings = stage["accessLogSettings"]
    assert settings["destinationArn"] == stack.named("login-socket-access-logs").outputs["arn"]
    line = json.loads(settings["format"])
    assert {"$context.requestId", "$context.status", "$context.routeKey"} <= set(line.values())
    for personal in ("identity", "authorizer", "Ip", "user", "error", "caller"):
        assert personal not in settings["format"]


def test_the_stage_is_created_after_the_permission_to_write_logs(stack: Graph) -> None:
    (stage,) = stack.of_api("WEBSOCKET", "Stage")
    account = stack.one("Account")
    assert account.tail in stage.dependencies
    (role,) = account.sources["cloudwatchRoleArn"]
    (statement,) = statements(stack.named(role)["assumeRolePolicy"])
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
    attachment = stack.one("RolePolicyAttachment")
    assert attachment.sources["role"] == {role}
    assert attachment["policyArn"].endswith(":aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs")
    assert attachment.tail in account.dependencies


def test_the_log_role_of_the_account_stays_after_the_stack_is_destroyed(stack: Graph) -> None:
    kept = {resource.name for resource in stack.custom() if resource.kept}
    assert kept == {"login-socket-account", "login-socket", "login-socket-logs-policy"}


def test_the_authorizer_trusts_the_same_issuer_and_clients_as_the_http_api(stack: Graph) -> None:
    known = variables(stack, "connect_authorizer")
    trusted = stack.one("Authorizer", authorizerType="JWT")["jwtConfiguration"]
    assert (known["ISSUER"], [known["CLIENT_ID"]]) == (trusted["issuer"], trusted["audiences"])
    assert known["JWKS_URL"] == f"{trusted['issuer']}/.well-known/jwks.json"
    assert known["USER_POOL_ID"] == stack.exports["userPoolId"]
    assert known["CONNECT_CHECKS_USER"] == "true"


def test_the_authorizer_allows_the_site_and_the_extra_origins(varied: Graph) -> None:
    origins = json.loads(variables(varied, "connect_authorizer")["SITE_ORIGINS"])
    assert origins == [varied.exports["siteUrl"], *VARIED["extraOrigins"]]


def test_a_setting_turns_the_account_check_off(varied: Graph) -> None:
    known = variables(varied, "connect_authorizer")
    assert known["CONNECT_CHECKS_USER"] == "false"


def test_a_service_posts_to_connections_at_the_stage() -> None:
    def program() -> None:
        alarms = Alarms("alarms", email="")
        api = WebSocketApi("socket", management_url="", log_days=7, permissions_boundary="", alarms=alarms)
        pulumi.export("managementUrl", api.management_url)

    graph = declare_component(program)
    endpoint = graph.one("Api").outputs["apiEndpoint"].replace("wss://", "https://")
    assert graph.exports["managementUrl"] == f"{endpoint}/ws"


def test_ids_are_filled_into_the_addresses_of_the_settings(varied: Graph, served: Graph) -> None:
    api, pool = served.one("Api", protocolType="WEBSOCKET"), varied.one("UserPool")
    keys = VARIED["jwksUrl"].replace("{userPoolId}", pool.outputs["id"])
    assert "{userPoolId}" in VARIED["jwksUrl"]
    assert variables(varied, "connect_authorizer")["JWKS_URL"] == keys
    posted = served.named(ECHO)["environment"]["variables"]["MANAGEMENT_URL"]
    assert posted == VARIED["websocketManagementUrl"].replace("{apiId}", api.outputs["id"])


def test_the_websocket_url_is_on_the_site(stack: Graph) -> None:
    assert stack.exports["websocketUrl"] == f"{stack.exports['siteUrl'].replace('https://', 'wss://')}/ws"
    assert stack.exports["websocketApiId"] == stack.one("Api", protocolType="WEBSOCKET").outputs["id"]


def test_a_second_service_at_one_websocket_is_refused() -> None:
    def program() -> None:
        alarms = Alarms("alarms", email="")
        platform = Platform("python3.13", "arm64", 7, "", False, alarms)
        function = Function("notes", source=ROOT / "handlers" / "pre_authentication.py", platform=platform)
        socket = WebSocketApi("socket", management_url="", log_days=7, permissions_boundary="", alarms=alarms)
        socket.authorize(function)
        WebSocketService("chat", socket=socket, function=function)
        WebSocketService("news", socket=socket, function=function)

    with pytest.raises(ValueError, match=r"^'news' gets no event: 'chat' receives them all"):
        declare_component(program)
