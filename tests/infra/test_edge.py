"""The two functions that CloudFront runs, in Node.js: one process answers all tests."""

import copy
import json
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.page_files import UNQUOTED, known_files
from infra.site import AWS_FAILED, edge_code, jwt_constants
from tests.handlers import planted as planted_names
from tests.infra.engine import Graph
from tests.processes import process

TOKEN = "aGVhZGVy.cGF5bG9hZA.c2lnbmF0dXJl"
HOST = "d111.cloudfront.net"
EXTRA = "http://localhost:3000"


JWT = jwt_constants([EXTRA])


EACH_LINE = """
    const { runInNewContext } = require("vm");
    require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
        const { code, requests } = JSON.parse(line);
        const each = `(request) => handler({ version: "1.0", request })`;
        const answers = `JSON.stringify(JSON.parse(requests).map(${each}))`;
        console.log(runInNewContext(`${code}\\n;${answers}`, { requests }));
    });
"""
edge: list["subprocess.Popen[str]"] = []


@pytest.fixture(scope="module", autouse=True)
def _node() -> Iterator[None]:
    with process(["node", "-e", EACH_LINE], stdin=subprocess.PIPE) as node:
        edge.append(node)
        yield
        edge.remove(node)
        node.stdin.close()


def run(module: str, requests: list[dict[str, Any]], constants: dict[str, Any] = JWT) -> list[dict[str, Any]]:
    """Return the function's result for each viewer request (CloudFront Functions event, runtime 2.0).

    Each call runs the function in a new context, which has the language's globals only and none of Node.js.
    """
    (node,) = edge
    told = {"code": edge_code(module, **constants), "requests": json.dumps(requests)}
    print(json.dumps(told), file=node.stdin, flush=True)
    answers = node.stdout.readline()
    assert answers, node.stderr.read()
    return json.loads(answers)


def viewer_request(
    method: str = "GET", cookie: Any = TOKEN, headers: dict[str, Any] | None = None, uri: str = "/api/userinfo"
) -> dict[str, Any]:
    def value(given: Any) -> dict[str, Any]:
        if isinstance(given, list):
            return {"value": given[0], "multiValue": [{"value": item} for item in given]}
        return {"value": given}

    named = {"host": HOST, **(headers or {})}
    cookies = {} if cookie is None else {"__Host-id": value(cookie)}
    return {
        "method": method,
        "uri": uri,
        "querystring": {},
        "headers": {name: value(given) for name, given in named.items()},
        "cookies": cookies,
    }


SAME = {"sec-fetch-site": "same-origin"}
BEARER = f"Bearer {TOKEN}"
LONGEST = f"a.b.{'c' * 4092}"

CASES: dict[str, tuple[dict[str, Any], str | None]] = {
    "from the page": (viewer_request(headers=SAME), BEARER),
    "from the page, unsafe": (viewer_request("POST", headers={**SAME, "origin": f"https://{HOST}"}), BEARER),
    "typed into the address bar": (viewer_request(headers={"sec-fetch-site": "none"}), BEARER),
    "an old browser's GET": (viewer_request(), BEARER),
    "an old browser's HEAD": (viewer_request("HEAD"), BEARER),
    "an old browser's POST from the site": (viewer_request("POST", headers={"origin": f"https://{HOST}"}), BEARER),
    "an old browser's POST from an extra origin": (viewer_request("POST", headers={"origin": EXTRA}), BEARER),
    "an old browser's POST from nowhere": (viewer_request("POST"), None),
    "another site": (viewer_request(headers={"sec-fetch-site": "cross-site"}), None),
    "another site that claims to be ours": (
        viewer_request(headers={"sec-fetch-site": "cross-site", "origin": f"https://{HOST}"}),
        None,
    ),
    "a sibling host": (viewer_request(headers={"sec-fetch-site": "same-site"}), None),
    "two answers to where from": (viewer_request(headers={"sec-fetch-site": ["same-origin", "cross-site"]}), None),
    "another origin": (viewer_request(headers={"origin": "https://evil.example"}), None),
    "an origin over http": (viewer_request(headers={"origin": f"http://{HOST}"}), None),
    "an origin that begins like ours": (viewer_request(headers={"origin": f"https://{HOST}.evil.example"}), None),
    "no origin": (viewer_request(headers={"origin": "null"}), None),
    "two origins": (viewer_request(headers={"origin": [EXTRA, "https://evil.example"]}), None),
    "no cookie": (viewer_request(cookie=None, headers=SAME), None),
    "an empty cookie": (viewer_request(cookie="", headers=SAME), None),
    "two cookies": (viewer_request(cookie=[TOKEN, TOKEN], headers=SAME), None),
    "a cookie that is no token": (viewer_request(cookie="a.b", headers=SAME), None),
    "a cookie with a space": (viewer_request(cookie=f"{TOKEN} x", headers=SAME), None),
    "a cookie with another scheme": (viewer_request(cookie=f"Basic {TOKEN}", headers=SAME), None),
    "a cookie with a newline": (viewer_request(cookie=f"{TOKEN}\n", headers=SAME), None),
    "the longest cookie": (viewer_request(cookie=LONGEST, headers=SAME), f"Bearer {LONGEST}"),
    "a huge cookie": (viewer_request(cookie=f"{LONGEST}c", headers=SAME), None),
    "a session's own route": (viewer_request("POST", headers=SAME, uri="/api/auth/refresh"), None),
    "a page below the session's routes": (viewer_request(headers=SAME, uri="/api/auth/callback"), None),
    "a route whose bearer goes to Kakao": (viewer_request(headers=SAME, uri="/api/kakao/userinfo"), None),
    **{
        f"{uri}, which a server may read as a route whose bearer goes to Kakao": (
            viewer_request(headers=SAME, uri=uri),
            None,
        )
        for uri in [
            *("/api/%6bakao/userinfo", "/api/%256Bakao/userinfo", "/api%2Fkakao%2fuserinfo", "/api/kakao%2Fuserinfo"),
            *("/api//kakao/userinfo", "//api/kakao/userinfo", "/api/./kakao/userinfo", "/api/%2e/%2fkakao/userinfo"),
            *("/api/x/../kakao/userinfo", "/api/x/%2e%2E/kakao/userinfo", "/api//x/../../kakao/userinfo"),
            *("/api/x/..%2fkakao/userinfo", "/api\\kakao\\userinfo", "/api/%5ckakao/userinfo", "/api/%6bakao/%zz"),
            *("/api/%61uth/refresh", "/api/auth/../kakao/userinfo", "/api/kakao/../todos", "/api/kakao"),
        ]
    },
    **{
        f"a team's route, {uri}": (viewer_request(headers=SAME, uri=uri), BEARER)
        for uri in [
            *("/api/todos/%EA%B0%80", "/api/todos/a%2Fb", "/api/links/https%3A%2F%2Fexample.com", "/api/todos/100%25"),
            *("/api/todos/%zz", "/api/todos//x", "/api/todos/./x", "/api/todos/../users", "/api/todos/", "/api/todos"),
            *("/api/todos/kakao/x", "/api/todos/%6bakao", "/api/kakaos/x", "/api/kakao-talk/x", "/api/%EA%B0%80"),
        ]
    },
    "a route whose name begins like theirs": (viewer_request(headers=SAME, uri="/api/authors"), BEARER),
    "the client's own token": (viewer_request(headers={**SAME, "authorization": "Bearer own"}), "Bearer own"),
    "the client's own empty token": (viewer_request(headers={**SAME, "authorization": ""}), ""),
}


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    return dict(zip(CASES, run("jwt", [request for request, _ in CASES.values()]), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_the_cookie_becomes_a_bearer_token_only_for_requests_of_the_site(answers: dict[str, Any], case: str) -> None:
    _, expected = CASES[case]
    assert answers[case]["headers"].get("authorization", {}).get("value") == expected


@pytest.mark.parametrize("case", CASES)
def test_the_rest_of_the_request_is_forwarded_unchanged(answers: dict[str, Any], case: str) -> None:
    request, answer = copy.deepcopy(CASES[case][0]), answers[case]
    if "authorization" not in request["headers"] and answer["headers"].pop("authorization", None):
        del request["cookies"]["__Host-id"]  # its value is sent on once
    assert answer == request


@pytest.mark.parametrize("uri", ["/api/userinfo", "/api/auth/refresh", "/api/auth/logout"])
def test_the_largest_session_fits_into_api_gateways_header_limit(uri: str) -> None:
    """10,240 bytes, of which a browser's other headers and CloudFront's need up to 2,000."""
    login = {f"__Host-login-{number:08}": "x" * 480 for number in range(3)}
    cookies = {"__Host-id": LONGEST[: 4096 - len("__Host-id")], "__Host-person": "x" * 59, **login}
    cookies |= {"__Secure-refresh": "x" * (6656 - sum(len(f"{name}={cookies[name]}") for name in [*cookies][:2]) - 17)}
    request = viewer_request("POST", headers=SAME, uri=uri)
    request["cookies"] = {name: {"value": value} for name, value in cookies.items()}
    (answer,) = run("jwt", [request])
    sent = [f"{name}={given['value']}" for name, given in answer["cookies"].items()]
    sent += [f"{name}: {given['value']}" for name, given in answer["headers"].items()]
    assert sum(len(text) + 2 for text in sent) < 10_240 - 1_900


def test_a_cookie_name_that_a_sibling_host_may_set_is_no_bearer_token() -> None:
    requests = []
    for planted in planted_names.ALL:
        request = viewer_request(cookie=None, headers=SAME)
        request["cookies"] = {planted.format("__Host-id"): {"value": TOKEN}}
        requests.append(request)
    assert run("jwt", requests) == requests


def opened(paths: list[str], keys: list[str] | None = None) -> dict[str, str]:
    """Return the page function's result for each path, where the site's folder has these files."""
    files = {"files": known_files(keys or ["index.html", "app.js"])}
    answered = run("spa", [viewer_request(uri=path) for path in paths], files)
    return {path: answer["uri"] for path, answer in zip(paths, answered, strict=True)}


PAGE = [
    *("/", "/board/7", "/board/", "/a.b/c", "/user/kim.haneul", "/user/kim.", "/v1.2", "/@team/a.b.c", "/.js"),
    *("/user/%EA%B9%80.%ED%95%98%EB%8A%98", "/a%2Ejs", "/app.js/", "/x.js.y", "/a;b=c.d", "/wellknown/x", "/CNAME"),
]
FILES = [
    *("/app.js", "/fonts/a.woff2", "/APP.JS", "/a.min.js", "/missing.png", "/api-docs/openapi.json", "/x.xyz"),
    *("/.well-known/x.txt", "/.well-known/assetlinks.json", "/.well-known/apple-app-site-association", "/LICENSE"),
    *("/.well-known/acme-challenge/token", f"/{AWS_FAILED}", "/%ED%95%9C%EA%B8%80", "/a(1)"),
]
HELD = ["data.xyz", "LICENSE", "한글", "a(1)", ".well-known/apple-app-site-association"]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return opened(PAGE)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return opened(FILES, HELD)


@pytest.mark.parametrize("path", PAGE)
def test_a_path_of_the_page_opens_the_page_with_or_without_a_dot(pages: dict[str, str], path: str) -> None:
    assert pages[path] == "/index.html"


def test_a_path_opens_its_page_of_a_static_export_or_else_the_first_page() -> None:
    keys = ["index.html", "404.html", "about.html", "todos/index.html", "한글.html"]
    paths = ["/", "/about", "/about/", "/todos", "/todos/", "/todos/1", "/%ED%95%9C%EA%B8%80", "/constructor"]
    assert opened(paths, keys) == {
        "/": "/index.html",
        "/about": "/about.html",
        "/about/": "/about.html",
        "/todos": "/todos/index.html",
        "/todos/": "/todos/index.html",
        "/todos/1": "/index.html",
        "/%ED%95%9C%EA%B8%80": "/%ED%95%9C%EA%B8%80.html",
        "/constructor": "/index.html",
    }


@pytest.mark.parametrize("path", FILES)
def test_a_path_of_a_file_stays_unchanged_whether_the_file_exists_or_not(files: dict[str, str], path: str) -> None:
    assert files[path] == path


keys = st.lists(
    st.text("abC.-~ 한(+", min_size=1, max_size=6).filter(lambda name: not name.startswith(".")), min_size=1
)


@given(st.lists(keys.map("/".join), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None)
def test_every_file_of_the_folder_can_be_requested(names: list[str]) -> None:
    found = opened([f"/{quote(name, safe=UNQUOTED)}" for name in names], names)
    assert all(path == uri for path, uri in found.items())


def test_no_header_changes_what_is_cached_for_a_path() -> None:
    """CloudFront caches a response by the path that the function returns, for all users."""
    files = {"files": known_files(["index.html"])}
    told = [{}, {"sec-fetch-mode": "navigate", "accept": "text/html"}, {"accept": "image/*"}, {"cookie": "a=b"}]
    for path in ("/board/7", "/user/kim.haneul", "/x.png"):
        answered = run("spa", [viewer_request(uri=path, headers=headers) for headers in told], files)
        assert len({answer["uri"] for answer in answered}) == 1


def test_the_edge_functions_fit_into_cloudfronts_size_limit(stack: Graph) -> None:
    for function in stack.all("cloudfront/function:Function"):
        assert len(function["code"].encode()) < 10 * 1024
