import json
import re
import unicodedata
from urllib.parse import parse_qs, urlsplit

import pytest

from handlers import contract
from sandbox.mail import as_text
from tests.infra.engine import (
    ACCOUNT,
    REGION,
    SITE_SECRET,
    VARIED,
    Declared,
    Graph,
    declare,
    declare_site_client,
    declare_user_pool,
    functions,
    statements,
)

APPS = VARIED["appCallbacks"]
EXTRA_ORIGINS = VARIED["extraOrigins"]
TRIGGERS = ["pre_sign_up", "post_confirmation", "pre_authentication"]
CHALLENGE = ["define_auth_challenge", "create_auth_challenge", "verify_auth_challenge_response"]


def test_the_pool_is_protected_from_deletion_unless_a_setting_says_so(stack: Graph, varied: Graph) -> None:
    pool = stack.one("UserPool")
    assert pool.protect
    assert pool["deletionProtection"] == "ACTIVE"

    pool = varied.one("UserPool")
    assert not pool.protect
    assert pool["deletionProtection"] == "INACTIVE"


def test_no_attribute_of_the_pool_is_required(stack: Graph) -> None:
    pool = stack.one("UserPool")
    assert not any(attribute.get("required") for attribute in pool.inputs.get("schemas", []))


def test_with_mail_from_mails_are_sent_from_the_teams_own_domain(stack: Graph, varied: Graph) -> None:
    assert "emailConfiguration" not in stack.one("UserPool").inputs
    assert varied.one("UserPool")["emailConfiguration"] == {
        "emailSendingAccount": "DEVELOPER",
        "fromEmailAddress": "no-reply@mail.example.com",
        "sourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/mail.example.com",
    }


# VerificationMessageTemplateType in Cognito's API: letters, marks, symbols, numbers, punctuation, white space.
TAKEN_BY_COGNITO = set("LMSNP")


@pytest.mark.parametrize("name", ["", "하늘상점", 'R&D\'s "Café" (2호점) ㈜ 🛒', "하" * 60])
def test_the_mail_with_a_code_names_the_service_in_both_languages_and_is_valid_for_cognito(
    name: str, varied: Graph
) -> None:
    pool = varied.one("UserPool") if name == VARIED["serviceName"] else declare_user_pool(service_name=name)
    template = pool["verificationMessageTemplate"]
    subject, message = template["emailSubject"], template["emailMessage"]
    assert template["defaultEmailOption"] == "CONFIRM_WITH_CODE"
    shown = as_text(message)
    for part in (subject, shown):
        assert "인증 코드" in part
        assert "erification code" in part
        assert name in part
    assert message.count("{####}") == 1
    assert not re.search(r"[<>{}]", shown.replace("{####}", ""))
    assert len(subject) <= 140
    assert len(message) <= 20_000
    for character in subject + message:
        assert unicodedata.category(character)[0] in TAKEN_BY_COGNITO or character == " ", repr(character)


@pytest.fixture(scope="module")
def with_tokens_alone() -> Graph:
    """The login without e-mail accounts, and with sign-in by Kakao token."""
    return declare({"emailAccounts": False, "kakaoAppId": "1000001"})


def test_a_stack_without_e_mail_accounts_has_none_of_their_routes_functions_flows_or_alarms(
    without_accounts: Graph, with_tokens_alone: Graph
) -> None:
    """Also without sign-in by Kakao token and with rotation: with an empty list Cognito would use its defaults."""
    for graph in (with_tokens_alone, without_accounts):
        client = graph.one("UserPoolClient")
        assert client["explicitAuthFlows"]
        assert not {flow for flow in client["explicitAuthFlows"] if "PASSWORD" in flow or "SRP" in flow}
        assert client["supportedIdentityProviders"] == ["Kakao"]
        routes = {route["routeKey"] for route in graph.of_api("HTTP", "Route")}
        assert not routes & set(contract.ACCOUNT_ROUTES)
        assert contract.LOGIN in routes
        names = {resource.name for resource in graph.custom()}
        assert not [name for name in names if "accounts" in name or "sign-ups" in name or "codes-not-sent" in name]
        trigger = graph.function("pre_sign_up")
        assert trigger["environment"]["variables"][contract.ENV_EMAIL_ACCOUNTS] == "false"


def test_an_email_must_be_verified_before_it_is_used(stack: Graph) -> None:
    pool = stack.one("UserPool")
    assert pool["autoVerifiedAttributes"] == ["email"]
    assert pool["userAttributeUpdateSettings"] == {"attributesRequireVerificationBeforeUpdates": ["email"]}
    assert [way["name"] for way in pool["accountRecoverySetting"]["recoveryMechanisms"]] == ["verified_email"]


def test_an_email_is_no_alias_for_a_user(stack: Graph) -> None:
    pool = stack.one("UserPool")
    assert not {"aliasAttributes", "usernameAttributes"} & set(pool.inputs)


def test_user_names_are_case_insensitive_and_passwords_have_at_least_12_characters(stack: Graph) -> None:
    pool = stack.one("UserPool")
    assert pool["usernameConfiguration"] == {"caseSensitive": False}
    assert pool["passwordPolicy"]["minimumLength"] >= 12
    assert pool["passwordPolicy"]["temporaryPasswordValidityDays"] == 365  # of Kakao users, who do not know it


def test_kakaos_secret_is_encrypted_in_the_state_and_only_in_the_identity_provider(stack: Graph) -> None:
    kakao = stack.one("IdentityProvider")
    assert "providerDetails" in kakao.secret_inputs
    assert "providerDetails" in kakao.secret_outputs
    for resource in stack.custom():
        if resource is not kakao:
            assert "the-client-secret" not in repr(resource.inputs), resource.name
    assert "the-client-secret" not in repr(stack.exports)


def test_every_endpoint_of_the_identity_provider_is_set(stack: Graph) -> None:
    details = stack.one("IdentityProvider")["providerDetails"]
    addresses = {key: details[key] for key in ("authorize_url", "token_url", "jwks_uri", "attributes_url")}
    assert addresses == {
        "authorize_url": f"{stack.exports['siteUrl']}/api/kakao/authorize",
        "token_url": "https://kauth.kakao.com/oauth/token",
        "jwks_uri": "https://kauth.kakao.com/.well-known/jwks.json",
        "attributes_url": f"{stack.one('Api', protocolType='HTTP').outputs['apiEndpoint']}/api/kakao/userinfo",
    }
    assert details["attributes_url_add_attributes"] == "false"
    assert stack.one("IdentityProvider").ignored == {"attributeMapping.username"}


def test_every_scope_of_the_setting_is_requested(varied: Graph) -> None:
    """With those of the mapped consents: birthdate, age_range and name."""
    details = varied.one("IdentityProvider")["providerDetails"]
    assert details["authorize_scopes"] == "openid profile_nickname birthyear birthday age_range name"


def test_the_identity_provider_has_the_kakao_app_and_the_issuer_of_the_settings(varied: Graph) -> None:
    details = varied.one("IdentityProvider")["providerDetails"]
    assert (details["client_id"], details["oidc_issuer"]) == ("another-key", "https://kauth.example")
    assert details["token_url"] == "https://kauth.example/oauth/token"
    assert (
        varied.function("kakao_user_info")["environment"]["variables"][contract.ENV_KAKAO_API] == "https://kapi.example"
    )


def test_the_default_scopes_are_openid_email_and_nickname(stack: Graph) -> None:
    asked = stack.one("IdentityProvider")["providerDetails"]["authorize_scopes"].split()
    assert set(asked) == {"openid", "account_email", "profile_nickname"}


def test_the_default_mapping_has_the_email_its_verification_and_the_nickname(stack: Graph) -> None:
    mapping = stack.one("IdentityProvider")["attributeMapping"]
    assert mapping == {"email": "email", "email_verified": "email_verified", "nickname": "nickname"}


def test_the_clients_may_write_only_mapped_attributes(stack: Graph, everything: Graph) -> None:
    """Cognito writes a mapped attribute as the client at each sign-in. Some users can too (docs/decisions.md)."""
    for graph, mapped in ((stack, set()), (everything, {"phone_number", "custom:age_range"})):
        for client in graph.all("UserPoolClient"):
            assert set(client["writeAttributes"]) == {"email", "nickname"} | mapped
            assert set(client["readAttributes"]) == {"email", "email_verified", "nickname"} | mapped
            assert set(client["allowedOauthScopes"]) == {"openid", "email", "profile"}


# Consents


def test_each_consent_of_the_setting_is_mapped_to_its_attribute(varied: Graph) -> None:
    mapping = varied.one("IdentityProvider")["attributeMapping"]
    always = {"email": "email", "email_verified": "email_verified", "nickname": "nickname"}
    assert mapping == always | {"birthdate": "birthdate", "custom:age_range": "age_range", "given_name": "name"}
    for module in ("kakao_user_info", "kakao_sign_in"):
        told = varied.function(module)["environment"]["variables"][contract.ENV_KAKAO_ATTRIBUTES]
        assert json.loads(told) == VARIED["kakaoAttributes"]


def test_without_the_setting_no_further_attribute_is_declared(stack: Graph, without_accounts: Graph) -> None:
    pool = stack.one("UserPool")
    assert "schemas" not in pool.inputs
    assert without_accounts.function("kakao_user_info")["environment"]["variables"] == {
        contract.ENV_KAKAO_API: "https://kapi.kakao.com"
    }
    for function in functions(stack):
        assert contract.ENV_KAKAO_ATTRIBUTES not in function.inputs.get("environment", {}).get("variables", {})


def custom(name: str) -> dict[str, object]:
    """An attribute as the provider reads it back: a difference stops each later `pulumi up`."""
    return {
        "name": name,
        "attributeDataType": "String",
        "developerOnlyAttribute": False,
        "mutable": True,
        "required": False,
        "stringAttributeConstraints": {"minLength": "0", "maxLength": "2048"},
    }


def test_only_custom_attributes_are_declared_and_each_once(varied: Graph) -> None:
    assert varied.one("UserPool")["schemas"] == [custom("age_range"), custom("former")]


def test_a_new_custom_attribute_changes_only_the_list_of_attributes() -> None:
    """The provider adds it (AddCustomAttributes). It has no other property whose change would replace the pool."""
    before = declare_user_pool(mapped_attributes=["custom:ci"])
    after = declare_user_pool(mapped_attributes=["custom:ci", "phone_number"], custom_attributes=["custom:plan"])
    assert after["schemas"] == [*before["schemas"], custom("plan")]
    assert {**after.inputs, "schemas": None} == {**before.inputs, "schemas": None}
    assert {**before.inputs, "schemas": None} == {**declare_user_pool().inputs, "schemas": None}


def test_the_setting_custom_attributes_keeps_the_attribute_of_a_consent_that_is_no_longer_mapped() -> None:
    """Cognito removes no custom attribute, and the provider stops at one that is gone from the list."""
    mapped = declare_user_pool(mapped_attributes=["custom:ci"])
    assert declare_user_pool(custom_attributes=["custom:ci"])["schemas"] == mapped["schemas"]


def test_the_route_for_kakaos_claims_does_not_depend_on_the_pool_or_a_client(stack: Graph) -> None:
    details = stack.one("IdentityProvider")
    assert "aws:apigatewayv2/api:Api::login-api-api" in details.sources["providerDetails"]
    sources = stack.function("kakao_user_info").sources
    assert not [name for names in sources.values() for name in names if "cognito" in name]


def site_client(stack: Graph) -> Declared:
    return stack.one("UserPoolClient", generateSecret=True)


def app_client(stack: Graph) -> Declared:
    return stack.one("UserPoolClient", generateSecret=False)


def test_the_sites_client_has_a_secret_and_only_the_code_grant(stack: Graph) -> None:
    client = stack.one("UserPoolClient")
    assert client["generateSecret"] is True
    assert client["allowedOauthFlows"] == ["code"]
    assert client["allowedOauthFlowsUserPoolClient"] is True
    assert client["enableTokenRevocation"] is True
    assert client["preventUserExistenceErrors"] == "ENABLED"


def test_a_client_without_a_secret_exists_only_for_mobile_apps(stack: Graph, everything: Graph) -> None:
    assert "appClientId" not in stack.exports
    app, site = app_client(everything), site_client(everything)
    exports = everything.exports
    assert (exports["clientId"], exports["appClientId"]) == (site.outputs["id"], app.outputs["id"])
    assert app["callbackUrls"] == APPS
    assert not set(APPS) & set(site["callbackUrls"])
    assert app["logoutUrls"] == []
    different = {key for key in site.inputs if site.inputs[key] != app.inputs.get(key)}
    assert different == {"generateSecret", "callbackUrls", "logoutUrls", "explicitAuthFlows"}


@pytest.mark.parametrize("rotate", [True, False])
def test_the_app_client_allows_no_sign_in_at_cognitos_api(rotate: bool, everything: Graph, varied: Graph) -> None:
    """A client without any flow would get Cognito's defaults, SRP and the custom challenge among them."""
    stack = everything if rotate else varied
    flows = app_client(stack)["explicitAuthFlows"]
    assert flows
    assert set(flows) <= {"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}  # AWS's keys, or a token


def test_no_client_allows_a_password_at_the_hosted_login(everything: Graph) -> None:
    for client in everything.all("UserPoolClient"):
        assert client["supportedIdentityProviders"] == [contract.PROVIDER]


def test_a_client_is_created_after_its_identity_provider(everything: Graph) -> None:
    kakao = everything.one("IdentityProvider")
    for client in everything.all("UserPoolClient"):
        assert client["supportedIdentityProviders"] == [kakao["providerName"]]
        assert kakao.tail in client.sources["supportedIdentityProviders"]


def test_only_functions_that_use_the_sites_client_have_its_secret_and_it_is_encrypted_there(
    everything: Graph,
) -> None:
    told = {
        function["handler"].split(".")[1]
        for function in functions(everything)
        if function.inputs.get("environment", {}).get("variables", {}).get(contract.ENV_CLIENT_SECRET) == SITE_SECRET
    }
    assert told == {"session", "accounts", "kakao_sign_in"}
    for resource in everything.resources:
        holds = {key for key, value in resource.inputs.items() if SITE_SECRET in repr(value)}
        assert holds <= resource.secret_inputs, resource.name
        assert holds == ({"environment"} if resource in map(everything.function, told) else set()), resource.name


def test_the_sites_secret_is_in_no_output(everything: Graph) -> None:
    assert SITE_SECRET not in repr(everything.exports)
    assert "clientSecret" in site_client(everything).secret_outputs


def test_the_sign_up_trigger_may_describe_clients_only_where_an_app_client_exists(
    stack: Graph, everything: Graph
) -> None:
    assert "environment" not in stack.function("pre_sign_up").inputs
    assert everything.function("pre_sign_up")["environment"]["variables"][contract.ENV_HAS_PUBLIC_CLIENT] == "true"
    assert not any("DescribeUserPoolClient" in policy["policy"] for policy in stack.all("RolePolicy"))
    (policy,) = [p for p in everything.all("RolePolicy") if "DescribeUserPoolClient" in p["policy"]]
    assert policy.name == "login-sign-up-more-policy"
    (statement,) = statements(policy["policy"])
    assert statement["Resource"] == [everything.one("UserPool").outputs["arn"]]


def test_the_provider_name_and_the_scopes_are_those_of_the_contract(stack: Graph) -> None:
    assert stack.one("IdentityProvider")["providerName"] == contract.PROVIDER
    assert stack.one("UserPoolClient")["allowedOauthScopes"] == [*contract.SCOPES]


def test_callbacks_lead_only_to_the_distribution_and_the_extra_origins(stack: Graph, varied: Graph) -> None:
    for graph, extra_origins in ((stack, []), (varied, EXTRA_ORIGINS)):
        client, distribution = site_client(graph), graph.one("Distribution")
        origins = [f"https://{distribution.outputs['domainName']}", *extra_origins]
        assert client["callbackUrls"] == [f"{origin}/api/auth/callback" for origin in origins]
        assert client["logoutUrls"] == [f"{origin}/" for origin in origins]
        assert distribution.tail in client.sources["callbackUrls"]
        assert distribution.tail in client.sources["logoutUrls"]


NEITHER = {"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"}  # refreshes


@pytest.mark.parametrize(("rotate", "flow"), [(True, False), (False, True)], ids=["rotating tokens", "lasting tokens"])
def test_either_rotation_or_the_refresh_flow_is_enabled(rotate: bool, flow: bool, stack: Graph, varied: Graph) -> None:
    client = site_client(stack if rotate else varied)
    assert ("refreshTokenRotation" in client.inputs) is rotate
    refreshing = {"ALLOW_REFRESH_TOKEN_AUTH"} if flow else set()
    assert set(client["explicitAuthFlows"]) - NEITHER == refreshing


def test_a_rotated_refresh_token_stays_valid_for_up_to_a_minute(stack: Graph) -> None:
    assert 0 < stack.one("UserPoolClient")["refreshTokenRotation"]["retryGracePeriodSeconds"] <= 60


def test_token_lifetimes_are_those_of_the_settings(varied: Graph) -> None:
    client = site_client(varied)
    units = client["tokenValidityUnits"]
    assert (client["idTokenValidity"], units["idToken"]) == (5, "minutes")
    assert (client["accessTokenValidity"], units["accessToken"]) == (5, "minutes")
    assert (client["refreshTokenValidity"], units["refreshToken"]) == (7, "days")


def test_the_exported_redirect_uri_is_the_hosted_logins_own(stack: Graph, varied: Graph) -> None:
    domain = stack.one("UserPoolDomain")["domain"]
    hosted = f"https://{domain}.auth.ap-northeast-2.amazoncognito.com"
    assert stack.exports["kakaoRedirectUri"] == f"{hosted}/oauth2/idpresponse"
    assert stack.function("session")["environment"]["variables"]["HOSTED_LOGIN_URL"] == hosted

    assert varied.exports["kakaoRedirectUri"] == "https://login.example.com/oauth2/idpresponse"


def test_the_exports_have_the_urls_and_ids_of_the_stack(stack: Graph) -> None:
    site = f"https://{stack.one('Distribution').outputs['domainName']}"
    assert stack.exports["siteUrl"] == site
    assert stack.exports["kakaoLogoutRedirectUri"] == f"{site}/"
    assert stack.exports["apiUrl"] == f"{site}/api"
    assert stack.exports["userPoolId"] == stack.one("UserPool").outputs["id"]
    assert stack.exports["clientId"] == stack.one("UserPoolClient").outputs["id"]


def test_only_this_pool_of_this_account_may_call_a_trigger(stack: Graph) -> None:
    pool = stack.one("UserPool")
    called = {trigger: stack.function(trigger) for trigger in TRIGGERS}
    called |= dict.fromkeys(CHALLENGE, stack.function("kakao_challenge"))
    assert pool["lambdaConfig"] == {_camel(name): function.outputs["arn"] for name, function in called.items()}
    assert {function.tail for function in called.values()} <= pool.sources["lambdaConfig"]
    for trigger, function in called.items():
        permission = stack.named(f"login-pool-{trigger.replace('_', '-')}")
        assert permission["function"] == function.outputs["arn"]
        assert permission["principal"] == "cognito-idp.amazonaws.com"
        assert permission["action"] == "lambda:InvokeFunction"
        assert permission["sourceArn"] == pool.outputs["arn"]
        assert permission["sourceAccount"] == ACCOUNT


def test_a_trigger_does_not_depend_on_the_pool_or_a_client(everything: Graph) -> None:
    for trigger in [*TRIGGERS, "kakao_challenge"]:
        assert everything.function(trigger).sources.get("environment", set()) == set()


def test_no_client_allows_a_password_flow_without_aws_credentials(everything: Graph) -> None:
    assert "ALLOW_ADMIN_USER_PASSWORD_AUTH" in site_client(everything)["explicitAuthFlows"]
    for client in everything.all("UserPoolClient"):
        without_credentials = {"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH"}
        assert not without_credentials & set(client["explicitAuthFlows"])


def test_without_the_kakao_app_id_the_sign_in_by_token_is_not_declared(
    with_tokens_alone: Graph, without_accounts: Graph
) -> None:
    with_tokens, without = with_tokens_alone, without_accounts
    more = {r.tail for r in with_tokens.resources} - {r.tail for r in without.resources}
    assert not {r.tail for r in without.resources} - {r.tail for r in with_tokens.resources}
    assert more
    triggers = [f"login-pool-{event.replace('_', '-')}" for event in CHALLENGE]
    for tail in more:
        name = tail.partition("::")[2]
        belongs = name.startswith(("login-kakao", "login-verify", "login-api-kakao", "login-api-post-auth-kakao"))
        assert belongs or name in triggers, tail
    assert set(without.one("UserPool")["lambdaConfig"]) == {_camel(name) for name in TRIGGERS}
    assert "ALLOW_CUSTOM_AUTH" in with_tokens.one("UserPoolClient")["explicitAuthFlows"]
    by_password_alone = declare_site_client(passwords=True).one("UserPoolClient")["explicitAuthFlows"]
    assert by_password_alone == ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]


def test_the_kakao_functions_know_the_app_id_and_each_key_of_the_app(varied: Graph) -> None:
    for module in ("kakao_sign_in", "kakao_challenge"):
        knows = varied.function(module)["environment"]["variables"]
        assert (knows["KAKAO_APP_ID"], knows["KAKAO_API"]) == ("42", "https://kapi.example")
        assert json.loads(knows["KAKAO_APP_KEYS"]) == ["another-key", "native-key"]
        assert knows["KAKAO_ISSUER"] == varied.one("IdentityProvider")["providerDetails"]["oidc_issuer"]
        assert knows["KAKAO_JWKS_URL"] == varied.one("IdentityProvider")["providerDetails"]["jwks_uri"]


def test_the_authorize_url_of_mobile_apps_has_the_app_client(varied: Graph) -> None:
    client = app_client(varied)
    address = urlsplit(varied.function("kakao_sign_in")["environment"]["variables"]["AUTHORIZE_URL"])
    query = parse_qs(address.query)
    assert (address.scheme, address.path) == ("https", "/oauth2/authorize")
    assert query["client_id"] == [varied.exports["appClientId"]]
    assert query["identity_provider"] == [varied.one("IdentityProvider")["providerName"]]
    assert query["response_type"] == client["allowedOauthFlows"]
    assert query["scope"][0].split() == client["allowedOauthScopes"]


def test_without_an_app_client_the_authorize_url_is_the_login_of_the_site(stack: Graph) -> None:
    address = stack.function("kakao_sign_in")["environment"]["variables"]["AUTHORIZE_URL"]
    assert address == f"{stack.exports['siteUrl']}/api/auth/login?provider=Kakao"


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)
