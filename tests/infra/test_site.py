import re
from typing import Any

from infra.site import ALL_VIEWER_EXCEPT_HOST_HEADER, CACHING_DISABLED
from sandbox.program import ROOT
from tests.infra.engine import Graph, declare, statements


def behaviors(stack: Graph) -> list[dict[str, Any]]:
    distribution = stack.one("Distribution")
    return [distribution["defaultCacheBehavior"], *distribution["orderedCacheBehaviors"]]


def behavior(stack: Graph, path: str) -> dict[str, Any]:
    (found,) = [b for b in stack.one("Distribution")["orderedCacheBehaviors"] if b["pathPattern"] == path]
    return found


def test_only_this_distribution_reads_the_bucket(stack: Graph) -> None:
    bucket, distribution = stack.one("Bucket"), stack.one("Distribution")
    (statement,) = statements(stack.one("BucketPolicy")["policy"])
    assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert statement["Action"] == ["s3:GetObject"]
    assert statement["Resource"] == [f"{bucket.outputs['arn']}/*"]
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceArn": distribution.outputs["arn"]}}
    closed = stack.one("BucketPublicAccessBlock")
    assert closed.name in stack.one("BucketPolicy").dependencies  # S3 refuses to change both at once
    for way in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"):
        assert closed[way] is True


def test_the_distribution_signs_what_it_asks_of_the_bucket(stack: Graph) -> None:
    access = stack.one("OriginAccessControl")
    (page,) = [origin for origin in stack.one("Distribution")["origins"] if origin["originId"] == "page"]
    assert page["originAccessControlId"] == access.outputs["id"]
    assert (access["signingBehavior"], access["signingProtocol"]) == ("always", "sigv4")


def test_answers_of_the_api_are_never_cached_and_never_redirected(stack: Graph) -> None:
    api = behavior(stack, "/api/*")
    assert api["cachePolicyId"] == CACHING_DISABLED
    assert api["viewerProtocolPolicy"] == "https-only"


def test_an_error_of_the_api_reaches_nobody_but_whom_it_is_for(stack: Graph) -> None:
    """CloudFront keeps these for ten seconds whatever the origin says, under the path alone, unless it is told."""
    seconds = {
        error["errorCode"]: error["errorCachingMinTtl"] for error in stack.one("Distribution")["customErrorResponses"]
    }
    assert seconds == dict.fromkeys((500, 502, 503, 504), 0)


def test_a_person_whose_request_lambda_or_the_gateway_drops_sees_a_page(stack: Graph) -> None:
    pages = {
        error["errorCode"]: error
        for error in stack.one("Distribution")["customErrorResponses"]
        if "responsePagePath" in error
    }
    assert set(pages) == {500, 503}, "the API's own answers of other statuses stay as they are"
    for status, page in pages.items():
        assert page["responseCode"] == status
        assert (ROOT / "frontend" / page["responsePagePath"].removeprefix("/")).is_file()


def test_what_a_browser_loads_is_compressed_on_the_way(stack: Graph) -> None:
    assert all(behavior["compress"] is True for behavior in behaviors(stack))


def test_the_api_sees_the_viewers_cookies_and_headers_but_not_its_host(stack: Graph) -> None:
    api = behavior(stack, "/api/*")
    assert api["originRequestPolicyId"] == ALL_VIEWER_EXCEPT_HOST_HEADER
    assert {"GET", "POST"} <= set(api["allowedMethods"])
    (origin,) = [o for o in stack.one("Distribution")["origins"] if o["originId"] == api["targetOriginId"]]
    assert origin["domainName"] == stack.one("Api", protocolType="HTTP").outputs["apiEndpoint"].removeprefix("https://")
    assert origin["customOriginConfig"]["originProtocolPolicy"] == "https-only"
    assert origin["customOriginConfig"]["originSslProtocols"] == ["TLSv1.2"]


def test_a_handshake_at_ws_reaches_the_websocket_api_as_the_browser_sent_it_but_for_the_host(stack: Graph) -> None:
    socket = behavior(stack, "/ws")
    assert socket["cachePolicyId"] == CACHING_DISABLED
    assert socket["originRequestPolicyId"] == ALL_VIEWER_EXCEPT_HOST_HEADER
    assert socket["viewerProtocolPolicy"] == "https-only"
    assert "GET" in socket["allowedMethods"]
    assert "functionAssociations" not in socket
    (origin,) = [o for o in stack.one("Distribution")["origins"] if o["originId"] == socket["targetOriginId"]]
    api = stack.one("Api", protocolType="WEBSOCKET")
    assert origin["domainName"] == api.outputs["apiEndpoint"].removeprefix("wss://")
    assert "originPath" not in origin
    assert stack.of_api("WEBSOCKET", "Stage")[0]["name"] == socket["pathPattern"].removeprefix("/")
    assert origin["customOriginConfig"]["originProtocolPolicy"] == "https-only"
    assert origin["customOriginConfig"]["originSslProtocols"] == ["TLSv1.2"]


def test_the_page_itself_is_shown_over_https_only(stack: Graph) -> None:
    assert stack.one("Distribution")["defaultCacheBehavior"]["viewerProtocolPolicy"] == "redirect-to-https"


def test_only_the_api_gets_the_cookie_as_bearer(stack: Graph) -> None:
    (bearer,) = [f for f in stack.all("Function") if f.name == "site-bearer"]
    runs_bearer = [
        b.get("pathPattern", "*")
        for b in behaviors(stack)
        if {"eventType": "viewer-request", "functionArn": bearer.outputs["arn"]} in b.get("functionAssociations", [])
    ]
    assert runs_bearer == ["/api/*"]


def test_the_edge_function_knows_the_extra_origins() -> None:
    stack = declare({"extraOrigins": ["http://localhost:3000"]})
    assert stack.named("site-bearer")["code"].startswith('const extraOrigins = ["http://localhost:3000"];\n')


def test_every_answer_carries_the_security_headers(stack: Graph) -> None:
    headers = stack.one("ResponseHeadersPolicy")
    assert {b["responseHeadersPolicyId"] for b in behaviors(stack)} == {headers.outputs["id"]}
    security = headers["securityHeadersConfig"]
    assert security["contentTypeOptions"]["override"] is True
    assert security["frameOptions"] == {"frameOption": "DENY", "override": True}
    assert security["strictTransportSecurity"]["accessControlMaxAgeSec"] >= 31536000
    assert security["referrerPolicy"] == {"referrerPolicy": "same-origin", "override": False}
    custom = {header["header"]: header["value"] for header in headers["customHeadersConfig"]["items"]}
    assert custom["Cross-Origin-Opener-Policy"] == "same-origin"
    assert custom["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_page_runs_its_own_files_only_and_nothing_inline(stack: Graph) -> None:
    config = stack.one("ResponseHeadersPolicy")["securityHeadersConfig"]["contentSecurityPolicy"]
    policy = dict(part.strip().split(" ", 1) for part in config["contentSecurityPolicy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert {value for key, value in policy.items() if key.endswith("-src")} == {"'none'", "'self'"}
    assert policy["form-action"] == "'self'"
    assert config["override"] is True


def test_each_file_of_the_page_is_uploaded_with_its_type_and_asked_for_again(stack: Graph) -> None:
    uploaded = {file["key"]: file for file in stack.all("BucketObjectv2")}
    frontend = ROOT / "frontend"
    assert set(uploaded) == {f.relative_to(frontend).as_posix() for f in frontend.rglob("*") if f.is_file()}
    assert uploaded["index.html"]["contentType"] == "text/html; charset=utf-8"
    assert uploaded["app.js"]["contentType"] == "text/javascript; charset=utf-8"
    assert uploaded["style.css"]["contentType"] == "text/css; charset=utf-8"
    for file in uploaded.values():
        assert file["cacheControl"] == "no-cache"


def test_no_file_that_a_browser_gets_holds_a_secret_or_an_id_of_the_stack(stack: Graph) -> None:
    for file in stack.all("BucketObjectv2"):
        text = (ROOT / "frontend" / file["key"]).read_bytes().decode(errors="replace")
        for value in ("the-client-secret", stack.exports["clientId"], "client_secret", "kakaoClientSecret"):
            assert value not in text, file.name
        assert "source" not in file.secret_inputs
        assert "content" not in file.inputs


def test_the_page_has_nothing_inline_that_its_policy_would_block() -> None:
    for page in (ROOT / "frontend").rglob("*.html"):
        text = page.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text, re.IGNORECASE)
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
