"""`make load`: load the sandbox and the handlers. Exits with 1 if a sign-in failed or the memory of a process grew.

First users sign in through the whole sandbox, one after another and many at a time, with the requests of a browser.
The memory of each process is measured. Then the handlers run alone, at full speed.
"""

import asyncio
import re
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from benchmarks import handlers_alone
from handlers import contract
from sandbox import kakao
from sandbox.program import ROOT
from tests.ports import free_ports
from tests.processes import process

SIGN_INS = 1000
AT_A_TIME = 50
SECONDS = 60
ROUND_TIMEOUT_SECONDS = 1200
MAX_GROWTH_KB = 4 * 1024  # of a process in a round
# The emulator keeps tokens and log lines in memory.
MAX_GROWTH_KB_OF = {"emulated AWS": 8 * 1024}
KEEP_ALIVE_SECONDS = 80  # the emulator keeps a closed connection nearly as long
MAX_FILES = 16384


@dataclass
class Browser:
    """Sends the requests of a browser, and keeps the cookies of the site."""

    session: ClientSession
    site: str
    cookies: dict[str, str] = field(default_factory=dict)

    async def visit(self, method: str, url: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """Follow redirects. Return the last address and its body. Raises FailedError for a status other than 200."""
        for _ in range(8):
            ours = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
            headers = ours if url.startswith(self.site) and self.cookies else {}
            async with self.session.request(method, url, data=form, headers=headers, allow_redirects=False) as answer:
                for line in answer.headers.getall("Set-Cookie", []):
                    name, _, value = line.partition(";")[0].partition("=")
                    self.cookies[name] = value
                if answer.status == 200:
                    return url, await answer.text()
                if answer.status != 302:
                    raise FailedError(f"{answer.status} at {url.partition('?')[0]}")
                method, url, form = "GET", urljoin(url, answer.headers["Location"]), None
        raise FailedError(f"no end of redirects at {url.partition('?')[0]}")


class FailedError(Exception):
    """A sign-in failed."""


async def sign_in(session: ClientSession, site: str, user: kakao.Person) -> None:
    """Sign a user in, from the login button to the nickname on the page."""
    browser = Browser(session, site)
    login, user_info = map(contract.path_of, (contract.LOGIN, contract.USER_INFO))
    url, _ = await browser.visit("GET", f"{site}{login}?provider={contract.PROVIDER}&origin={site}")
    if "/oauth/authorize" not in url:
        raise FailedError("not at Kakao")
    agreed = {"person": str(user.id), "consent": "profile_nickname", "decision": "agree"}
    url, _ = await browser.visit("POST", url, agreed)
    if url != f"{site}/" or not {contract.ID_COOKIE, contract.REFRESH_COOKIE} <= browser.cookies.keys():
        raise FailedError("no session")
    _, profile = await browser.visit("GET", site + user_info)
    if user.nickname not in profile:
        raise FailedError("the profile of another user")


async def many(site: str, count: int, at_a_time: int) -> tuple[float, Counter[str]]:
    """Sign users in. Return the seconds, and the number of each failure."""
    failures: Counter[str] = Counter()
    numbers = iter(range(count))

    async def one_after_another() -> None:
        for number in numbers:
            try:
                await sign_in(session, site, kakao.PEOPLE[number % len(kakao.PEOPLE)])
            except (FailedError, ClientError, TimeoutError) as error:
                failures[f"{type(error).__name__}: {error}"] += 1

    start = time.monotonic()
    async with (
        asyncio.timeout(ROUND_TIMEOUT_SECONDS),
        ClientSession(
            connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar(), timeout=ClientTimeout(60)
        ) as session,
    ):
        await asyncio.gather(*(one_after_another() for _ in range(at_a_time)))
    return time.monotonic() - start, failures


def memory(root: int) -> dict[str, tuple[int, float]]:
    """Return the number and the mean resident KB of a process and its descendants, by role."""
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        children[int(status[1])].append(int(folder.name))
    found: dict[str, list[int]] = defaultdict(list)
    pending = [root]
    while pending:
        process = pending.pop()
        pending += children[process]
        try:
            command = Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
            kilobytes = int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1])  # type: ignore[index]
        except (OSError, TypeError):
            continue
        found[role(command)].append(kilobytes)
    return {part: (len(each), sum(each) / len(each)) for part, each in found.items()}


def role(command: str) -> str:
    """Return the role of a process of the sandbox, from its command line."""
    if worker := re.search(r"ministack-lambda-(?:login-)?([a-z-]+)-[0-9a-f]{7}", command):
        return f"Lambda {worker[1]}"
    for part, name in {
        "-m sandbox": "site, hosted login, Kakao stand-in",
        "-m ministack": "emulated AWS",
        "node": "CloudFront functions",
    }.items():
        if part in command:
            return name
    return command[:40]


@contextmanager
def sandbox(port: int) -> Iterator[int]:
    """Run the sandbox as `make up` does, and yield its process id."""
    command = [sys.executable, "-m", "sandbox", "--port", str(port)]
    with process(command, seconds=3600, cwd=ROOT, stderr=None) as started:
        assert started.stdout
        if not any("ready" in line for line in started.stdout):
            sys.exit("The sandbox did not start.")
        yield started.pid
        started.terminate()


def sign_ins() -> bool:
    """Load the sandbox and print figures. Return whether nothing failed or grew."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_FILES if hard == resource.RLIM_INFINITY else min(MAX_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    well, port, before = True, free_ports(), dict[str, float]()
    site = f"http://localhost:{port}"
    with sandbox(port) as process:
        for name, at_a_time in (
            (f"{AT_A_TIME} at a time, to warm up", AT_A_TIME),
            (f"{AT_A_TIME} at a time", AT_A_TIME),
            ("one after another", 1),
        ):
            if before:
                time.sleep(KEEP_ALIVE_SECONDS)  # connections of the round before would count as growth
            took, failures = asyncio.run(many(site, SIGN_INS, at_a_time))
            rate = f"{took:.1f} s, {SIGN_INS / took:.0f} a second"
            print(f"\n{SIGN_INS} sign-ins {name}: {rate}, {failures.total()} failed")
            for failure, times in failures.most_common():
                print(f"  {times} × {failure}")
            after = memory(process)
            for part, (number, kilobytes) in sorted(after.items()):
                grown = kilobytes - before.get(part, kilobytes)
                too_much = grown > MAX_GROWTH_KB_OF.get(part, MAX_GROWTH_KB)
                change = f"{grown / 1024:+8.1f} MB{'  TOO MUCH' * too_much}" if before else ""
                print(f"  {part:<38}{number:>3} × {kilobytes / 1024:6.1f} MB{change}", flush=True)
                well = well and not too_much
            before = {part: kilobytes for part, (_, kilobytes) in after.items()}
            well = well and not failures
    return well


def main() -> None:
    """Run both parts."""
    well = sign_ins()
    well = handlers_alone.run(SECONDS) and well
    sys.exit(None if well else "Something failed or grew; see above.")


if __name__ == "__main__":
    main()
