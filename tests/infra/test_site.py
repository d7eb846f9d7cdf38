import base64
import hashlib
import json
import mimetypes
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from handlers import contract
from handlers import pages as pages_of_the_login
from infra import content_security_policy
from infra.page_files import EXTENSIONS, TYPES, asset, client_modules, content_type, known_files
from infra.site import ALL_VIEWER_EXCEPT_HOST_HEADER, AWS_FAILED, CACHING_DISABLED
from tests.infra.engine import PAGE, SITE_SECRET, VARIED, Declared, Graph, declare_site, statements


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
    assert closed.tail in stack.one("BucketPolicy").dependencies  # S3 refuses to change both at once
    for way in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"):
        assert closed[way] is True


def test_the_distribution_signs_its_requests_to_the_bucket(stack: Graph) -> None:
    access = stack.one("OriginAccessControl")
    (page,) = [origin for origin in stack.one("Distribution")["origins"] if origin["originId"] == "page"]
    assert page["originAccessControlId"] == access.outputs["id"]
    assert (access["signingBehavior"], access["signingProtocol"]) == ("always", "sigv4")


def test_responses_of_the_api_are_never_cached_and_never_redirected(stack: Graph) -> None:
    api = behavior(stack, "/api/*")
    assert api["cachePolicyId"] == CACHING_DISABLED
    assert api["viewerProtocolPolicy"] == "https-only"


def test_an_error_of_the_api_is_not_cached(stack: Graph) -> None:
    """By default CloudFront caches errors for ten seconds by path."""
    seconds = {
        error["errorCode"]: error["errorCachingMinTtl"] for error in stack.one("Distribution")["customErrorResponses"]
    }
    # Developer guide: "HTTP 4xx and 5xx status codes that CloudFront caches", of which "Create a custom error page for
    # specific HTTP status codes" leaves two out; 416 is not kept.
    always, with_max_age, refused, never = (
        {404, 405, 414, 500, 501, 502, 503, 504},
        {400, 403, 412, 415},
        {412, 415},
        {416},
    )
    assert seconds == dict.fromkeys((always | with_max_age) - refused - never, 0)


def test_a_500_or_503_of_lambda_or_the_gateway_shows_an_error_page(stack: Graph) -> None:
    pages = {
        error["errorCode"]: error
        for error in stack.one("Distribution")["customErrorResponses"]
        if "responsePagePath" in error
    }
    assert set(pages) == {500, 503}, "the API's own answers of other statuses stay as they are"
    uploaded = {f"/{file['key']}": file for file in stack.all("BucketObjectv2")}
    for status, page in pages.items():
        assert page["responseCode"] == status
        file = uploaded[page["responsePagePath"]]
        assert file["contentType"] == "text/html; charset=utf-8"
        assert "문제가 생겼어요" in file["content"]


def test_a_file_missing_in_the_bucket_gets_the_404_page_of_the_api(stack: Graph) -> None:
    """S3 answers 403 in XML for a missing file. The API's own 403 and 404 are not changed."""
    distribution = stack.one("Distribution")
    (group,) = distribution["originGroups"]
    assert distribution["defaultCacheBehavior"]["targetOriginId"] == group["originId"]
    assert group["failoverCriteria"] == {"statusCodes": [403, 404]}
    origins = {origin["originId"]: origin for origin in distribution["origins"]}
    first, second = (origins[member["originId"]] for member in group["members"])
    assert first["domainName"] == stack.one("Bucket").outputs["bucketRegionalDomainName"]
    api = stack.one("Api", protocolType="HTTP").outputs["apiEndpoint"].removeprefix("https://")
    assert (second["domainName"], second["originPath"]) == (api, contract.MISSING_FILE_PATH)
    assert {contract.MISSING_FILE, contract.MISSING_FILE.replace("GET", "HEAD")} <= {
        route["routeKey"] for route in stack.of_api("HTTP", "Route")
    }
    assert set(distribution["defaultCacheBehavior"]["allowedMethods"]) == {"GET", "HEAD"}, "others do not fail over"


def test_responses_are_compressed(stack: Graph) -> None:
    assert all(behavior["compress"] is True for behavior in behaviors(stack))


def test_the_api_sees_the_viewers_cookies_and_headers_but_not_its_host(stack: Graph) -> None:
    api = behavior(stack, "/api/*")
    assert api["originRequestPolicyId"] == ALL_VIEWER_EXCEPT_HOST_HEADER
    assert {"GET", "POST"} <= set(api["allowedMethods"])
    (origin,) = [o for o in stack.one("Distribution")["origins"] if o["originId"] == api["targetOriginId"]]
    assert origin["domainName"] == stack.one("Api", protocolType="HTTP").outputs["apiEndpoint"].removeprefix("https://")
    assert origin["customOriginConfig"]["originProtocolPolicy"] == "https-only"
    assert origin["customOriginConfig"]["originSslProtocols"] == ["TLSv1.2"]


def test_a_websocket_handshake_is_forwarded_unchanged_except_for_the_host(stack: Graph) -> None:
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


def test_the_page_redirects_to_https(stack: Graph) -> None:
    assert stack.one("Distribution")["defaultCacheBehavior"]["viewerProtocolPolicy"] == "redirect-to-https"


def test_only_requests_to_the_api_get_the_cookie_as_a_bearer_token(stack: Graph) -> None:
    (bearer,) = [f for f in stack.all("Function") if f.name == "login-site-jwt"]
    runs_bearer = [
        b.get("pathPattern", "*")
        for b in behaviors(stack)
        if {"eventType": "viewer-request", "functionArn": bearer.outputs["arn"]} in b.get("functionAssociations", [])
    ]
    assert runs_bearer == ["/api/*"]


def test_the_edge_function_contains_the_extra_origins(varied: Graph) -> None:
    assert f"const extraOrigins = {json.dumps(VARIED['extraOrigins'])};\n" in varied.named("login-site-jwt")["code"]


def test_every_response_has_the_security_headers(stack: Graph) -> None:
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


def test_the_policy_allows_only_scripts_of_the_site_and_none_inline(stack: Graph) -> None:
    config = stack.one("ResponseHeadersPolicy")["securityHeadersConfig"]["contentSecurityPolicy"]
    policy = dict(part.strip().split(" ", 1) for part in config["contentSecurityPolicy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    others = {key: value for key, value in policy.items() if key not in ("default-src", "img-src", "style-src")}
    assert {value for key, value in others.items() if key.endswith("-src")} == {"'self'"}
    assert policy["img-src"] == "'self' data:"
    assert policy["form-action"] == "'self'"
    assert config["override"] is True


def test_the_only_inline_style_that_the_policy_allows_is_that_of_the_error_pages(stack: Graph) -> None:
    policy = stack.one("ResponseHeadersPolicy")["securityHeadersConfig"]["contentSecurityPolicy"]
    (aws_failed,) = [file["content"] for file in stack.all("BucketObjectv2") if file["key"] == AWS_FAILED]
    for page in [aws_failed, *(pages_of_the_login.error(kind)["body"] for kind in pages_of_the_login.PAGES)]:
        (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"style-src 'self' 'sha256-{digest}';" in policy["contentSecurityPolicy"]
        assert not re.search(r"\s(style|on[a-z]+)=|<script|javascript:", page, re.IGNORECASE)
        assert set(re.findall(r"(?:src|href)=\"([^\"]*)\"", page)) == {"/", "data:,"}, "it needs no file of the team"


def uploaded(content: Path) -> dict[str, Declared]:
    """The files that a site with this folder declares."""
    return {file["key"]: file for file in declare_site(content).all("BucketObjectv2")}


def test_each_file_of_the_page_is_uploaded_with_its_type_and_no_cache(stack: Graph) -> None:
    uploaded = {file["key"]: file for file in stack.all("BucketObjectv2")}
    own = {f.relative_to(PAGE).as_posix() for f in PAGE.rglob("*") if f.is_file()}
    assert set(uploaded) == own | {AWS_FAILED, "login.js", "login-socket.js"}
    assert uploaded["index.html"]["contentType"] == "text/html; charset=utf-8"
    assert uploaded["app.js"]["contentType"] == "text/javascript; charset=utf-8"
    assert uploaded["style.css"]["contentType"] == "text/css; charset=utf-8"
    for file in uploaded.values():
        assert file["cacheControl"] == "no-cache"


def test_build_output_is_uploaded_and_files_of_the_operating_system_are_not(tmp_path: Path) -> None:
    content = tmp_path / "content"
    types = {
        "index.html": "text/html; charset=utf-8",
        "assets/index-4f2a.JS": "text/javascript; charset=utf-8",
        "assets/index-4f2a.js.map": "application/json",
        "a.mjs": "text/javascript; charset=utf-8",
        "a.json": "application/json",
        "a.jpg": "image/jpeg",
        "a.webp": "image/webp",
        "a.avif": "image/avif",
        "a.mp4": "video/mp4",
        "a.wasm": "application/wasm",
        "a.tar": "application/x-tar",
        "a.tgz": "application/octet-stream",
        "a.woff2": "font/woff2",
        "a.xml": "application/xml",
        "a.webmanifest": "application/manifest+json",
        "a.tar.gz": "application/octet-stream",
        "a.unheard-of": "application/octet-stream",
        ".well-known/assetlinks.json": "application/json",
        ".well-known/apple-app-site-association": "application/json",
        ".well-known/security.txt": "text/plain; charset=utf-8",
        "LICENSE": "text/plain; charset=utf-8",
        "blob": "application/octet-stream",
    }
    left_out = [
        ".DS_Store",
        "assets/.DS_Store",
        ".git/config",
        ".errors/500.html",
        ".errors/x.css",
        "a/.well-known/x.txt",
    ]
    for name in (*types, *left_out):
        (content / name).parent.mkdir(parents=True, exist_ok=True)
        (content / name).write_text('{"applinks": {}}' if "association" in name else "own")
    (content / "blob").write_bytes(b"\xff\xfe")
    found = uploaded(content)
    served = {key: file["contentType"] for key, file in found.items() if key not in (AWS_FAILED, *client_modules())}
    assert served == types
    assert found[AWS_FAILED]["content"] != "own"


def test_the_modules_of_the_login_are_uploaded_unless_the_page_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("")
    served = uploaded(tmp_path)["login.js"]
    assert "export function signIn(" in served["content"]
    assert "  //" not in served["content"]
    assert served["contentType"] == "text/javascript; charset=utf-8"
    (tmp_path / "login.js").write_text("of the page")
    assert Path(uploaded(tmp_path)["login.js"]["source"].path) == tmp_path / "login.js"


HASHED = [
    "assets/index-BQ2v8f3d.js",  # Vite
    "assets/index-C4jkTQ-m.css",
    "assets/Pretendard-D3x_uu1L.woff2",
    "assets/hero-Dq1zNx9K.avif",
    "static/js/main.4f2a1b3c.js",  # webpack
    "static/js/787.4f2a1b3c.chunk.js.map",
    "4f2a1b3c9d8e7f605142.png",
    "main-5QJ4LKMC.js",  # Angular
    "index.4f2a1b3c.css",  # Parcel
    "_next/static/Xw3kP0vQ/_buildManifest.js",
    "_next/static/media/font.p.woff2",
    "_app/immutable/entry/start.js",
    "_astro/a.js",
    "_nuxt/b.js",
]
NOT_HASHED = [
    "index.html",
    "app.js",
    "sw.js",
    "favicon.ico",
    "login.js",
    "assets/logo-Facebook.svg",
    "assets/icon-userCard.svg",
    "assets/case-iPhone15.jpg",
    "assets/photo-IMG_2024.jpg",
    "assets/my-document.pdf",
    "assets/report-20240101.pdf",
    "assets/old-bootstrap4.js",
    "assets/index-4f2a1b3c.html",
    "jquery-3.7.1.min.js",
    "mainPage-userCard.js",
    ".well-known/assetlinks.json",
]


def test_a_file_with_a_hash_in_its_name_is_cached_for_a_year_and_any_other_is_revalidated(
    tmp_path: Path,
) -> None:
    for name in ("index.html", *HASHED, *NOT_HASHED):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = {key: file["cacheControl"] for key, file in uploaded(tmp_path).items()}
    assert {key for key, kept in found.items() if kept == "public, max-age=31536000, immutable"} == set(HASHED)
    assert {kept for key, kept in found.items() if key not in HASHED} == {"no-cache"}


def policy_with(added: dict[str, list[str]]) -> dict[str, list[str]]:
    """The directives of the policy that the site sends where a team adds these sources."""
    headers = declare_site(PAGE, content_security_policy=added).one("ResponseHeadersPolicy")["securityHeadersConfig"]
    sent = headers["contentSecurityPolicy"]["contentSecurityPolicy"]
    return {directive: sources for directive, *sources in (part.split() for part in sent.split("; "))}


def test_a_team_adds_sources_to_the_policy_and_the_rest_stays() -> None:
    strict = policy_with({})
    added = {"img-src": ["https://img.example.com", "data:"], "worker-src": ["'self'", "blob:"]}
    assert policy_with(added) == strict | {
        "img-src": ["'self'", "data:", "https://img.example.com"],
        "worker-src": ["'self'", "blob:"],
    }


def test_with_unsafe_inline_the_hash_of_the_error_pages_is_left_out() -> None:
    assert policy_with({"style-src": ["'unsafe-inline'"]})["style-src"] == ["'self'", "'unsafe-inline'"]


@pytest.mark.parametrize(
    ("directive", "source"),
    [
        ("img-src", "https://*.example.com"),
        ("img-src", "https:"),
        ("img-src", "https://*.cloudfront.net"),  # narrower than https:
        ("connect-src", "https://*.example.co.kr"),
        ("connect-src", "https://*.team.workers.dev"),
        ("script-src", "https://d111.cloudfront.net"),
        ("connect-src", "wss://live.example.com:8443"),
        ("connect-src", "http://localhost:8000"),
        ("connect-src", "https://live.example.com:65535/x"),
        ("script-src", "https://t1.kakaocdn.net/kakao_js_sdk/2.7.2/kakao.min.js"),
        ("script-src", f"'sha256-{'A' * 43}='"),
        ("script-src", "'wasm-unsafe-eval'"),
    ],
)
def test_a_valid_source_of_the_policy_is_accepted(directive: str, source: str) -> None:
    assert content_security_policy.flaw(directive, source) == ""


@pytest.mark.parametrize(
    ("directive", "source", "why"),
    [
        ("connect-src", "https://live.example.com:65536", "a port is a number from 1 to 65535"),
        ("connect-src", "wss://live.example.com:99999/x", "a port is a number from 1 to 65535"),
        ("connect-src", "http://localhost:0", "a port is a number from 1 to 65535"),
        ("script-src", "http://localhost:3000", "any program on a user's machine could then run scripts"),
        ("script-src", "http://localhost", "any program on a user's machine could then run scripts"),
        ("script-src", "http://127.0.0.1:3000", "any program on a user's machine could then run scripts"),
    ],
)
def test_an_invalid_port_or_a_script_source_at_localhost_is_refused(directive: str, source: str, why: str) -> None:
    assert why in content_security_policy.flaw(directive, source)


@pytest.mark.parametrize(
    "suffix",
    [
        "com",
        "co.kr",
        "or.kr",
        "com.au",
        "github.io",
        "cloudfront.net",
        "vercel.app",
        "amazonaws.com",
        "s3.ap-northeast-2.amazonaws.com",
        "a.run.app",
    ],
)
@pytest.mark.parametrize("rest", ["", ":8443", "/x/"])
def test_a_wildcard_over_a_public_suffix_is_refused(suffix: str, rest: str) -> None:
    why = f"anybody can have a site below {suffix}; name the sites"
    assert why in content_security_policy.flaw("script-src", f"https://*.{suffix}{rest}")
    assert why in content_security_policy.flaw("connect-src", f"wss://*.{suffix}{rest}")


def test_content_types_do_not_depend_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's mime.types has no effect."""
    monkeypatch.setattr(mimetypes, "_db", None)
    mimetypes.add_type("text/x-local", ".local")
    assert content_type(Path("a.local")) == "application/octet-stream"


def test_a_type_is_pythons_unless_python_lacks_it_or_has_another() -> None:
    assert content_type(Path("a.webmanifest")) == "application/manifest+json"
    assert content_type(Path("a.avif")) == "image/avif"
    assert content_type(Path("a.svgz")) == "application/octet-stream"  # S3 gets no content-encoding
    if sys.version_info < (3, 12):  # the oldest supported version; a later one knows more
        known = {suffix: mimetypes.MimeTypes(filenames=()).guess_type(f"x{suffix}")[0] for suffix in TYPES}
        assert [suffix for suffix in TYPES if known[suffix] == TYPES[suffix]] == []


def test_each_file_that_a_page_loads_has_a_type_and_a_missing_one_is_no_route_of_the_page() -> None:
    types = {suffix: content_type(Path(f"x{suffix}")) for suffix in EXTENSIONS}
    assert [suffix for suffix, found in types.items() if found == "application/octet-stream"] == []
    assert set(known_files([])["extensions"]) == {suffix[1:] for suffix in EXTENSIONS}


def test_no_uploaded_file_contains_a_secret_or_an_id_of_the_stack(stack: Graph) -> None:
    for file in stack.all("BucketObjectv2"):
        text = file.inputs.get("content") or Path(file["source"].path).read_bytes().decode(errors="replace")
        for value in (
            "the-client-secret",
            SITE_SECRET,
            stack.exports["clientId"],
            "client_secret",
            "kakaoClientSecret",
        ):
            assert value not in text, file.name
        assert not {"source", "content"} & file.secret_inputs


def page_of(graph: Graph, key: str) -> Declared:
    (file,) = [file for file in graph.all("BucketObjectv2") if file["key"] == key]
    return file


def test_index_html_is_changed_only_where_e_mail_accounts_are_off(stack: Graph, without_accounts: Graph) -> None:
    assert "source" in page_of(stack, "index.html").inputs
    html = page_of(without_accounts, "index.html")["content"]
    assert html == (PAGE / "index.html").read_text().replace(
        '<meta name="email-accounts" content="true">', '<meta name="email-accounts" content="false">'
    )
    assert 'content="false"' in html
    assert "source" in page_of(without_accounts, "app.js").inputs


def test_index_html_says_where_a_sign_out_may_end_the_session_at_kakao(everything: Graph) -> None:
    html = page_of(everything, "index.html")["content"]
    assert '<meta name="kakao-logout" content="true">' in html
    assert '<meta name="email-accounts" content="true">' in html


def test_a_page_without_the_meta_tags_is_uploaded_unchanged(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_bytes(b"<!doctype html>\xff")
    assert set(asset(tmp_path / "index.html", {"email-accounts": False, "kakao-logout": True})) == {"source"}
