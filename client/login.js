// The session of this site's login, for any page. login.d.ts describes each export. Page script cannot read the cookies,
// so this module asks the service. Runs in Safari 15, Chrome and Android WebView 91, and newer.

const RENEW_BEFORE_EXPIRY = 60; // seconds
const SHORTEST_WAIT = 5; // seconds: a wrong header must not cause a loop
const LONGEST_WAIT = 300;
const GIVE_UP_AFTER = 15;

let session = Object.freeze({ state: "loading", user: null, error: null });
let endsAt = 0; // when the token of a signed-in user expires, in seconds
const listeners = new Set();
const followers = new Set();

const now = () => Date.now() / 1000;

/** A signal that aborts after these seconds. `AbortSignal.timeout` needs Safari 16 or Chrome 103. */
export function timeout(seconds) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), seconds * 1000);
  return controller.signal;
}

export function current() {
  return session;
}

export async function user() {
  start();
  if (session.state === "loading") await (exchange ?? check()).catch(() => {});
  if (session.error) throw session.error;
  return session.user;
}

export function onChange(listener) {
  listeners.add(listener);
  start();
  return () => listeners.delete(listener);
}

export function onCheck(follower) {
  followers.add(follower);
  start();
  if (session.state !== "loading") tell([follower], session, endsAt);
  return () => followers.delete(follower);
}

function set(state, user = null, error = null) {
  const next = { state, user, error };
  const compared = ({ state, user, error }) => JSON.stringify([state, user, error?.status]);
  if (compared(next) === compared(session)) return;
  session = Object.freeze(next);
  tell(listeners, session);
}

function tell(functions, ...told) {
  for (const one of [...functions]) {
    try {
      one(...told);
    } catch (thrown) {
      setTimeout(() => {
        throw thrown; // a fault of the page, not of the session
      });
    }
  }
}

let started = false;
function start() {
  if (started || typeof document === "undefined") return; // a server renders the page as "loading"
  started = true;
  // Timers stop while a laptop sleeps, and another tab may have signed out.
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && check());
  addEventListener("online", () => session.state !== "signed-out" && check());
  addEventListener("pageshow", ({ persisted }) => persisted && reload());
  check();
}

export function check() {
  return ask(session.state === "signed-out" ? "never" : "on 401");
}

export async function reload() {
  start();
  set("loading");
  await exchange?.catch(() => {}); // a refresh may be under way
  set("loading");
  await check();
}

const api = (path, method = "GET") =>
  fetch(`/api/${path}`, { method, credentials: "same-origin", cache: "no-store", signal: timeout(GIVE_UP_AFTER) });

const unexpected = ({ status }, more) => Object.assign(new Error(`unexpected status ${status}`), { status, ...more });

let renewals = 0;
let renewedAt = -Infinity;
/** Resolves to true with a new session and to false after a 401. Rejects on any other answer. */
async function refresh() {
  const answer = await api("auth/refresh", "POST");
  const { ok, status } = answer;
  if (!ok && status !== 401) throw unexpected(answer, { refused: status < 500 && status !== 408 && status !== 429 });
  if (ok) {
    renewals += 1;
    renewedAt = now();
  }
  return ok;
}

/** Resolves to the user and the seconds left, or to null. Refreshes first, once on a 401, or never. */
async function whoIsSignedIn(refreshing) {
  let renewed = refreshing === "first" && (await refresh());
  if (refreshing === "first" && !renewed) return null;
  let answer = await api("userinfo");
  if (answer.status === 401 && !renewed) {
    renewed = refreshing === "on 401" && (await refresh());
    if (!renewed) return null;
    answer = await api("userinfo");
  }
  // A 401 for a new token is a fault of the service. The session has not ended.
  if (!answer.ok) throw unexpected(answer);
  return { user: await answer.json(), secondsLeft: Number(answer.headers.get("Session-Expires-In")) };
}

let exchange;
/** Runs `task` after those of other tabs, which share the cookies, unless this tab runs one. */
function alone(task) {
  exchange ??= turn(task).finally(() => (exchange = undefined));
  return exchange;
}

/** Runs `task` once, under the lock. Safari before 15.4 has no locks; later ones keep locks of closed tabs. */
function turn(task) {
  let running;
  const run = () => (running ??= task());
  if (!navigator.locks) return run();
  return navigator.locks.request("session", { signal: timeout(GIVE_UP_AFTER) }, run).catch(run);
}

let timer;
let wait = SHORTEST_WAIT;
function later(seconds, refreshing) {
  clearTimeout(timer);
  timer = setTimeout(() => ask(refreshing), Math.max(seconds, SHORTEST_WAIT) * 1000);
}

/** Asks who is signed in, and plans the next refresh. Never rejects. */
function ask(refreshing) {
  return alone(async () => {
    clearTimeout(timer);
    try {
      const found = await whoIsSignedIn(refreshing);
      wait = SHORTEST_WAIT;
      if (!found) return end("signed-out");
      const { secondsLeft } = found;
      endsAt = now() + secondsLeft;
      set("signed-in", found.user);
      tell(followers, session, endsAt);
      if (secondsLeft > 0) later(secondsLeft - Math.min(RENEW_BEFORE_EXPIRY, secondsLeft / 2), "first");
    } catch (error) {
      if (session.state === "signed-out") return;
      // After a refusal a retry is no use: the user signs in again when the token expires.
      const over = error.refused && refreshing !== "first";
      if (session.state !== "signed-in" || over) return end("failed", error);
      later(wait, error.refused ? "on 401" : refreshing);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  });
}

function end(state, error) {
  endsAt = 0;
  set(state, null, error);
  tell(followers, session, endsAt);
}

export function signInUrl({ returnTo = location.href, provider = "Kakao", parameters = {} } = {}) {
  const { origin, pathname, search, hash } = new URL(returnTo, location.href);
  if (origin !== location.origin) throw new TypeError(`returnTo leads to ${origin}; it should be a path of this site`);
  const query = new URLSearchParams({ ...parameters, provider, origin });
  const path = pathname + search + hash;
  if (path !== "/") query.set("return_to", path);
  return `/api/auth/login?${query}`;
}

export function signIn(options) {
  location.assign(signInUrl(options));
}

export async function signOut({ kakao = false } = {}) {
  await exchange?.catch(() => {}); // a refresh after the sign-out would restore the session
  return alone(async () => {
    const answer = await api("auth/logout", "POST");
    if (!answer.ok) throw unexpected(answer);
    const { logout_url, kakao_logout_url } = await answer.json();
    const url = new URL((kakao && kakao_logout_url) || logout_url);
    if (!/^https?:$/.test(url.protocol)) throw new Error(`logout: ${url.protocol}`);
    clearTimeout(timer);
    end("loading"); // Back may restore this page from the cache, without data
    location.assign(url);
  });
}

async function fetchInSession(resource, options) {
  const request = new Request(resource, options);
  if (new URL(request.url).origin !== location.origin) return fetch(request);
  const again = request.clone(); // a body is read once
  const before = renewals;
  const answer = await fetch(request);
  return answer.status === 401 && (await renewedSince(before)) ? fetch(again) : answer;
}
export { fetchInSession as fetch };

/** Whether the session is newer than it was. Renews it unless that was done since, or did not help just now. */
async function renewedSince(before) {
  await exchange?.catch(() => {});
  if (session.state === "signed-out") return false;
  if (renewals === before && now() - renewedAt > SHORTEST_WAIT) await ask("first").catch(() => {});
  return renewals !== before && session.state === "signed-in";
}
