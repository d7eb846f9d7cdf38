import json

from handlers import contract
from tests.infra.engine import Graph, function_behind, functions

OPEN = {
    "GET /api/auth/login": "handlers.session.handler",
    "GET /api/kakao/authorize": "handlers.session.handler",
    "GET /api/auth/callback": "handlers.session.handler",
    "GET /api/auth/missing/{file+}": "handlers.session.handler",
    "HEAD /api/auth/login": "handlers.session.handler",
    "HEAD /api/kakao/authorize": "handlers.session.handler",
    "GET /api/kakao/logout": "handlers.session.handler",
    "HEAD /api/kakao/logout": "handlers.session.handler",
    "HEAD /api/auth/callback": "handlers.session.handler",
    "HEAD /api/auth/missing/{file+}": "handlers.session.handler",
    "POST /api/auth/refresh": "handlers.session.handler",
    "POST /api/auth/logout": "handlers.session.handler",
    "POST /api/auth/sign-up": "handlers.accounts.handler",
    "POST /api/auth/confirm": "handlers.accounts.handler",
    "POST /api/auth/resend-code": "handlers.accounts.handler",
    "POST /api/auth/sign-in": "handlers.accounts.handler",
    "POST /api/auth/forgot-password": "handlers.accounts.handler",
    "POST /api/auth/reset-password": "handlers.accounts.handler",
    "POST /api/auth/kakao": "handlers.kakao_sign_in.handler",
    "GET /api/kakao/userinfo": "handlers.kakao_user_info.handler",
    "HEAD /api/kakao/userinfo": "handlers.kakao_user_info.handler",
}


def test_each_route_reaches_its_function(everything: Graph) -> None:
    reached = {
        route["routeKey"]: function_behind(everything, route)["handler"] for route in everything.of_api("HTTP", "Route")
    }
    signed_in = {f"{method} /api/userinfo": "handlers.user_info.handler" for method in ("GET", "HEAD")}
    assert reached == OPEN | signed_in


def test_a_sign_out_reaches_kakao_only_where_the_setting_asks_for_it(stack: Graph, everything: Graph) -> None:
    def found(graph: Graph) -> tuple[bool, bool, bool]:
        routes = {route["routeKey"] for route in graph.of_api("HTTP", "Route")}
        client = graph.one("UserPoolClient", generateSecret=True)
        function = next(one for one in functions(graph) if one["handler"] == "handlers.session.handler")
        return (
            "GET /api/kakao/logout" in routes,
            f"{graph.exports['siteUrl']}/api/kakao/logout" in client["logoutUrls"],
            function["environment"]["variables"].get("KAKAO_LOGOUT_URL") == "https://kauth.kakao.com/oauth/logout",
        )

    assert found(stack) == (False, False, False)
    assert found(everything) == (True, True, True)


def test_a_head_route_has_the_function_and_the_authorizer_of_its_get_route(everything: Graph) -> None:
    """Otherwise CloudFront would answer a GET with the API's cached 404 for a HEAD of the same path."""
    routes = {route["routeKey"]: route for route in everything.of_api("HTTP", "Route")}
    gets = {key.removeprefix("GET ") for key in routes if key.startswith("GET ")}
    assert gets
    assert {key.removeprefix("HEAD ") for key in routes if key.startswith("HEAD ")} == gets
    for path in gets:
        get, head = dict(routes[f"GET {path}"].inputs), dict(routes[f"HEAD {path}"].inputs)
        assert head | {"routeKey": get["routeKey"]} == get


def test_only_the_listed_routes_need_no_token(everything: Graph) -> None:
    authorizer = everything.one("Authorizer", authorizerType="JWT")
    for route in everything.of_api("HTTP", "Route"):
        guard = (route["authorizationType"], route.inputs.get("authorizerId"))
        expected = ("NONE", None) if route["routeKey"] in OPEN else ("JWT", authorizer.outputs["id"])
        assert guard == expected, route["routeKey"]


def test_tokens_of_both_app_clients_are_accepted(stack: Graph, varied: Graph) -> None:
    audiences = varied.one("Authorizer", authorizerType="JWT")["jwtConfiguration"]["audiences"]
    assert audiences == [varied.exports["clientId"], varied.exports["appClientId"]]
    for graph in (stack, varied):
        trusted = graph.one("Authorizer", authorizerType="JWT")["jwtConfiguration"]["audiences"]
        for module in ("session", "connect_authorizer"):
            variables = graph.function(module)["environment"]["variables"]
            named = [variables[name] for name in ("CLIENT_ID", "APP_CLIENT_ID") if name in variables]
            assert named == trusted


def test_only_tokens_of_this_pool_for_this_client_are_accepted(stack: Graph) -> None:
    authorizer = stack.one("Authorizer", authorizerType="JWT")
    issuer = f"https://{stack.one('UserPool').outputs['endpoint']}"
    assert authorizer["authorizerType"] == "JWT"
    assert authorizer["jwtConfiguration"] == {"issuer": issuer, "audiences": [stack.exports["clientId"]]}
    assert authorizer.sources["jwtConfiguration"] == {stack.one("UserPool").tail, stack.one("UserPoolClient").tail}
    assert authorizer["identitySources"] == ["$request.header.Authorization"]


def test_the_session_function_and_the_gateway_trust_the_same_issuer(stack: Graph) -> None:
    variables = stack.function("session")["environment"]["variables"]
    assert variables["ISSUER"] == stack.one("Authorizer", authorizerType="JWT")["jwtConfiguration"]["issuer"]


def test_the_throttling_limits_are_above_zero(stack: Graph) -> None:
    limits = stack.one("Stage", name="$default")["defaultRouteSettings"]
    assert limits["throttlingBurstLimit"] > 0
    assert limits["throttlingRateLimit"] > 0


def test_routes_that_send_mail_have_lower_limits_and_exist_before_the_stage(stack: Graph) -> None:
    """AWS refuses settings of a route that does not exist, and 0 requests of a route without both limits."""
    stage = stack.one("Stage", name="$default")
    settings = {one["routeKey"]: one for one in stage["routeSettings"]}
    assert settings.keys() == {f"POST /api/auth/{path}" for path in ("sign-up", "resend-code", "forgot-password")}
    for one in settings.values():
        assert 0 < one["throttlingRateLimit"] <= stage["defaultRouteSettings"]["throttlingRateLimit"] / 10
        assert 0 < one["throttlingBurstLimit"] <= stage["defaultRouteSettings"]["throttlingBurstLimit"] / 10
    routes = {stack.one("Route", routeKey=key).tail for key in settings}
    assert routes <= stage.sources["routeSettings"]


def test_each_request_has_an_access_log_line_without_personal_data(stack: Graph) -> None:
    settings = stack.one("Stage", name="$default")["accessLogSettings"]
    assert settings["destinationArn"] == stack.named("login-api-access-logs").outputs["arn"]
    line = json.loads(settings["format"])
    assert {"$context.requestId", "$context.routeKey", "$context.status", "$context.responseLatency"} <= set(
        line.values()
    )
    for told in ("identity", "authorizer", "path", "Ip", "user", "error", "header", "query"):
        assert told not in settings["format"]


def test_only_the_apis_own_route_may_call_a_function(stack: Graph) -> None:
    api = stack.one("Api", protocolType="HTTP")
    for route in stack.of_api("HTTP", "Route"):
        method, path = route["routeKey"].split(" ")
        permission = stack.one("Permission", sourceArn=f"{api.outputs['executionArn']}/*/{method}{path}")
        assert permission["principal"] == "apigateway.amazonaws.com"
        assert permission["action"] == "lambda:InvokeFunction"
        assert permission["function"] == function_behind(stack, route).outputs["arn"]
        assert api.tail in permission.sources["sourceArn"]


def test_every_permission_has_a_source_arn(stack: Graph) -> None:
    for permission in stack.all("Permission"):
        assert permission["sourceArn"].startswith("arn:aws:"), permission.name


def test_the_accounts_function_uses_the_client_and_the_pool_of_the_gateway(stack: Graph) -> None:
    variables = stack.function("accounts")["environment"]["variables"]
    assert variables["CLIENT_ID"] == stack.exports["clientId"]
    assert variables["USER_POOL_ID"] == stack.exports["userPoolId"]
    assert variables["SITE_ORIGINS"] == stack.function("session")["environment"]["variables"]["SITE_ORIGINS"]
    assert stack.one("UserPool")["passwordPolicy"]["minimumLength"] == contract.MIN_PASSWORD_LENGTH


def test_the_apis_allow_no_cross_origin_requests(stack: Graph) -> None:
    for api in stack.all("Api"):
        assert "corsConfiguration" not in api.inputs
