"""login.js and login-socket.js in Chromium, on a page of a team, with a service whose responses each test sets."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Error, Page, expect

from sandbox.program import ROOT
from tests.e2e import visits
from tests.e2e.visits import (
    HANEUL,
    HOSTED_LOGOUT,
    KAKAO_LOGOUT,
    LOGOUT,
    ME,
    REFRESH,
    SOCKET_THAT_ANSWERS,
    WITHOUT_THEM,
    YOUNG,
    Answer,
    Answers,
    Visit,
    come_back,
    expect_asked,
    expect_connections,
    serve_page,
)
from tests.infra.engine import PAGE

pytestmark = pytest.mark.browser

visit = visits.visit

GUIDE = (ROOT / "docs" / "guides" / "own-page.md").read_text()
TODOS, ADD = "GET /api/todos", "POST /api/todos"
FETCH = "(path) => login.fetch(path).then((answer) => answer.status)"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve_page(PAGE) as address:
        yield address


def open_page(visit: Visit, answers: Answers, path: str = "/", **options: Any) -> Page:
    """A page of a team's, which has the modules as `login` and `socket`, and the names of the states in its title."""
    visit.files["/"] = "<!doctype html><title></title><script type='module' src='/page.js'></script>"
    visit.files["/page.js"] = """
        import * as login from "/login.js";
        import * as socket from "/login-socket.js";
        Object.assign(window, { login, socket });
        window.states = [];
        window.listen = () => (window.end = login.onChange(({ state }) => states.push(state)));"""
    page = visit.open(answers, **options)
    page.wait_for_function("window.login")
    if path != "/":
        page.evaluate("(path) => history.replaceState(null, '', path)", path)
    return page


@pytest.mark.parametrize(
    ("answers", "user", "asked"),
    [
        ({ME: [HANEUL]}, HANEUL, [ME]),
        ({ME: [401, HANEUL], REFRESH: [204]}, HANEUL, [ME, REFRESH, ME]),
        ({}, None, [ME, REFRESH]),
    ],
    ids=["signed in", "expired", "signed out"],
)
def test_several_calls_of_user_share_one_request(visit: Visit, answers: Answers, user: Any, asked: list[str]) -> None:
    page = open_page(visit, answers)
    expect_asked(page, visit)
    assert page.evaluate("Promise.all([login.user(), login.user()])") == [user, user]
    assert page.evaluate("login.user()") == user
    expect_asked(page, visit, *asked)


@pytest.mark.parametrize(("answer", "status"), [(503, 503), ("unreachable", None)], ids=str)
def test_a_failed_userinfo_request_is_an_error_until_the_next_reload(
    visit: Visit, answer: Answer, status: int | None
) -> None:
    page = open_page(visit, {ME: [answer, HANEUL]})
    assert page.evaluate("login.user().catch((error) => [error.status ?? null])") == [status]
    assert page.evaluate("login.current().state") == "failed"
    page.evaluate("login.reload()")
    assert page.evaluate("login.user()") == HANEUL


def test_a_listener_is_called_for_each_change_only(visit: Visit) -> None:
    page = open_page(visit, {ME: [HANEUL, HANEUL, {**HANEUL, "nickname": "바다"}, 401]})
    page.evaluate("void listen()")
    page.wait_for_function("states.length")
    first = page.evaluate_handle("login.current()")
    come_back(page)
    expect_asked(page, visit, ME, ME)
    assert page.evaluate("(first) => first === login.current()", first)
    page.evaluate("login.check()")
    assert page.evaluate("[states, login.current().user.nickname]") == [["signed-in", "signed-in"], "바다"]
    page.evaluate("end()")
    page.evaluate("login.check()")
    assert page.evaluate("[states.length, login.current().state]") == [2, "signed-out"]


def test_a_listener_that_throws_does_not_stop_the_other_listeners(visit: Visit) -> None:
    page = open_page(visit, {ME: [HANEUL]})
    page.evaluate("void login.onChange(() => { throw new Error('of the page') })")
    page.evaluate("void listen()")
    page.wait_for_function("states.includes('signed-in')")
    page.wait_for_timeout(50)
    assert ["of the page" in complaint for complaint in visit.complaints] == [True]
    visit.complaints.clear()


@pytest.mark.parametrize(
    ("options", "asks"),
    [
        ("", {"provider": ["Kakao"], "return_to": ["/todos/1?a=1&b=2#c"]}),
        ("{ returnTo: '/' }", {"provider": ["Kakao"]}),
        ("{ returnTo: location.origin + '/a%20b' }", {"provider": ["Kakao"], "return_to": ["/a%20b"]}),
        (
            "{ provider: 'Apple', returnTo: '/', parameters: { prompt: 'login', origin: 'https://a.example' } }",
            {"provider": ["Apple"], "prompt": ["login"]},
        ),
    ],
)
def test_a_sign_in_sends_the_origin_and_the_return_path(visit: Visit, options: str, asks: dict[str, list[str]]) -> None:
    page = open_page(visit, {}, path="/todos/1?a=1&b=2#c")
    page.evaluate(f"login.signIn({options})")
    page.wait_for_url("**/api/auth/login?*")
    assert parse_qs(urlsplit(page.url).query) == {"origin": [visit.site], **asks}


def test_a_return_address_on_another_site_is_refused(visit: Visit) -> None:
    page = open_page(visit, {})
    for address in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        with pytest.raises(Error, match="should be a path of this site"):
            page.evaluate("(address) => login.signInUrl({ returnTo: address })", address)


def test_a_sign_out_clears_the_user_and_opens_the_hosted_logout(visit: Visit) -> None:
    page = open_page(visit, {ME: [HANEUL]})
    page.route(HOSTED_LOGOUT, lambda route: route.fulfill(status=204))  # a browser stays where it is
    page.evaluate("login.user()")
    page.evaluate("login.signOut()")
    assert page.evaluate("login.current()") == {"state": "loading", "user": None, "error": None}
    expect_asked(page, visit, ME, LOGOUT)


@pytest.mark.parametrize(
    ("options", "answer", "leads_to"),
    [
        ("", {"logout_url": HOSTED_LOGOUT, "kakao_logout_url": KAKAO_LOGOUT}, HOSTED_LOGOUT),
        ("{ kakao: true }", {"logout_url": HOSTED_LOGOUT, "kakao_logout_url": KAKAO_LOGOUT}, KAKAO_LOGOUT),
        ("{ kakao: true }", {"logout_url": HOSTED_LOGOUT}, HOSTED_LOGOUT),  # the setting is off
    ],
)
def test_a_sign_out_ends_the_session_at_kakao_only_with_its_option(
    visit: Visit, options: str, answer: dict[str, str], leads_to: str
) -> None:
    page = open_page(visit, {ME: [HANEUL], LOGOUT: [answer]})
    page.evaluate(f"login.signOut({options})")
    page.wait_for_url(leads_to)


def test_a_failed_sign_out_is_an_error_and_the_session_goes_on(visit: Visit) -> None:
    page = open_page(visit, {ME: [HANEUL], LOGOUT: [502], REFRESH: [204]})
    page.evaluate("login.user()")
    assert page.evaluate("login.signOut().catch((error) => error.status)") == 502
    assert page.evaluate("login.user()") == HANEUL
    page.clock.run_for(841_000)
    expect_asked(page, visit, ME, LOGOUT, REFRESH, ME)


def test_requests_with_an_expired_token_share_one_refresh_and_are_repeated_with_their_bodies(
    visit: Visit,
) -> None:
    page = open_page(visit, {ME: [HANEUL], REFRESH: [204], TODOS: [401, {"todos": []}], ADD: [401, 401, {"id": "1"}]})
    page.evaluate("login.user()")
    add = "login.fetch('/api/todos', { method: 'POST', body: JSON.stringify({ text: '우유' }) })"
    answers = f"Promise.all([login.fetch('/api/todos'), {add}, {add}].map((one) => one.then(({{ status }}) => status)))"
    assert page.evaluate(answers) == [200, 200, 200]
    assert sorted(visit.asked) == sorted([ME, TODOS, ADD, ADD, REFRESH, ME, TODOS, ADD, ADD])
    bodies = [request.post_data for request in visit.requests if request.method == "POST" and "todos" in request.url]
    assert bodies == ['{"text":"우유"}'] * 4


def test_a_request_before_the_user_is_known_refreshes_an_expired_session_too(visit: Visit) -> None:
    page = open_page(visit, {ME: [HANEUL], REFRESH: [204], TODOS: [401, {"todos": []}]})
    assert page.evaluate(FETCH, "/api/todos") == 200
    expect_asked(page, visit, TODOS, REFRESH, ME, TODOS)


def test_a_request_of_a_signed_out_user_does_not_refresh(visit: Visit) -> None:
    page = open_page(visit, {TODOS: [401]})
    page.evaluate("login.user()")
    assert page.evaluate(FETCH, "/api/todos") == 401
    expect_asked(page, visit, ME, REFRESH, TODOS)


def test_a_refused_refresh_signs_the_page_out(visit: Visit) -> None:
    page = open_page(visit, {ME: [HANEUL], REFRESH: [401], TODOS: [401]})
    page.evaluate("login.user()")
    assert page.evaluate(FETCH, "/api/todos") == 401
    assert page.evaluate("login.current().state") == "signed-out"


def test_a_route_that_always_answers_401_causes_one_refresh_only(visit: Visit) -> None:
    page = open_page(visit, {ME: [HANEUL], REFRESH: [204], TODOS: [401]}, still=True)
    page.evaluate("login.user()")
    assert [page.evaluate(FETCH, "/api/todos") for _ in range(3)] == [401, 401, 401]
    assert visit.asked.count(REFRESH) == 1


def test_a_401_of_another_site_does_not_refresh_the_session(visit: Visit) -> None:
    page = open_page(visit, {ME: [HANEUL]})
    refusal = {"access-control-allow-origin": "*"}
    page.route(HOSTED_LOGOUT, lambda route: route.fulfill(status=401, headers=refusal))
    page.evaluate("login.user()")
    assert page.evaluate(FETCH, HOSTED_LOGOUT) == 401
    expect_asked(page, visit, ME)


CONNECT = """() => {
    window.heard = [];
    window.connection = socket.connect({
        onMessage: (data) => heard.push(JSON.parse(data).message),
        onState: (state) => states.push(state),
    });
}"""


def test_a_connection_opens_and_closes_with_the_session(visit: Visit) -> None:
    page = open_page(visit, {ME: [401, HANEUL, 401], REFRESH: [401]})
    page.evaluate(CONNECT)
    page.wait_for_function("states.includes('closed')")
    assert page.evaluate("connection.send('lost')") is False
    page.evaluate("login.reload()")
    page.wait_for_function("states.includes('connected')")
    assert page.evaluate("connection.send({ message: '안녕' })") is True
    page.wait_for_function("heard.length")
    assert page.evaluate("[heard, states]") == [["안녕"], ["closed", "connecting", "connected"]]
    page.evaluate("login.check()")
    assert page.evaluate("states.pop()") == "closed"
    expect_connections(page, visit, 1)
    assert [json.loads(frame) for frame in visit.said] == [{"message": "안녕"}]


def test_a_closed_connection_stays_closed(visit: Visit) -> None:
    page = open_page(visit, {ME: [HANEUL]})
    page.evaluate(CONNECT)
    page.wait_for_function("states.includes('connected')")
    page.evaluate("connection.close()")
    page.evaluate("login.check()")
    page.evaluate("connection.reconnect()")
    page.clock.run_for(60_000)
    expect_connections(page, visit, 1)
    assert page.evaluate("states.pop()") == "closed"


def test_the_modules_work_in_a_browser_with_the_apis_of_safari_15(visit: Visit) -> None:
    script = WITHOUT_THEM % json.dumps(YOUNG.split()) + SOCKET_THAT_ANSWERS
    page = open_page(visit, {ME: [401, HANEUL], REFRESH: [204], TODOS: [401, {"todos": []}]}, script=script)
    assert page.evaluate("login.user()") == HANEUL
    page.evaluate(CONNECT)
    page.wait_for_function("states.includes('connected')")
    page.clock.run_for(6_000)
    assert page.evaluate(FETCH, "/api/todos") == 200
    page.evaluate("login.signOut()")
    page.wait_for_url(HOSTED_LOGOUT)
    expect(page.locator("body")).to_have_text("signed out")


def open_guides_page(visit: Visit, answers: Answers) -> Page:
    (visit.files["/"],) = re.findall(r"```html\n(.*?)```", GUIDE, re.DOTALL)
    (visit.files["/page.js"],) = re.findall(r"```js\n(.*?)```", GUIDE, re.DOTALL)
    return visit.open(answers)


def test_the_guides_page_without_a_bundler_shows_the_user_and_signs_out(visit: Visit) -> None:
    page = open_guides_page(visit, {ME: [HANEUL]})
    page.route(HOSTED_LOGOUT, lambda route: route.fulfill(status=204))
    expect(page.get_by_role("heading")).to_have_text("하늘")
    page.get_by_role("button").click()
    expect_asked(page, visit, ME, LOGOUT)


def test_the_guides_page_without_a_bundler_has_a_button_to_sign_in(visit: Visit) -> None:
    page = open_guides_page(visit, {})
    expect(page.get_by_role("heading")).to_have_text("Hello")
    page.get_by_role("button").click()
    page.wait_for_url("**/api/auth/login?*")
