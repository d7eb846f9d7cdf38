const texts = {
  ko: {
    title: "카카오 로그인",
    loading: ["잠시만 기다려 주세요", "로그인 상태를 확인하고 있어요."],
    "signed-out": ["반가워요!", "카카오계정으로 간편하게 시작해 보세요."],
    "signed-in": ["로그인했어요", "이 계정으로 이용하고 있어요."],
    failed: ["연결하지 못했어요", "로그인 상태를 확인하지 못했어요. 다시 시도하거나 다시 로그인해 주세요."],
    unreachable: ["연결하지 못했어요", "인터넷 연결을 확인하고 다시 시도해 주세요. 계속되면 잠시 뒤에 다시 찾아 주세요."],
    "sign-out-failed": ["로그아웃하지 못했어요", "아직 로그인되어 있을 수 있어요. 다시 시도해 주세요."],
    ended: "로그인 시간이 끝났어요. 다시 로그인해 주세요.",
    safari: "Safari는 http 주소에서 로그인을 유지하지 못해요. Chrome에서 열어 주세요.",
    kakao: "카카오 로그인",
    email: "이메일로 로그인",
    nicknameLabel: "닉네임",
    noNickname: "회원님",
    emailLabel: "이메일",
    noEmail: "제공되지 않았어요",
    noEmailMeans: "카카오에서 이메일을 전달받지 못했어요. 로그인에는 문제가 없지만, 이메일로 보내는 안내는 받을 수 없어요.",
    signOut: "로그아웃",
    retry: "다시 시도",
    back: "돌아가기",
    terms: "이용약관",
    privacy: "개인정보처리방침",
    chatTitle: "대화",
    message: "메시지",
    send: "보내기",
    notLoaded: "화면을 다 열지 못했어요. 새로고침해 주세요.",
  },
  en: {
    title: "Login with Kakao",
    loading: ["One moment", "Checking whether you are signed in."],
    "signed-out": ["Welcome!", "Your Kakao account is all you need."],
    "signed-in": ["You are signed in", "This is the account you are using."],
    failed: ["Could not connect", "Your sign-in could not be checked. Try again, or sign in again."],
    unreachable: ["Could not connect", "Check your connection and try again. If it goes on, please come back a little later."],
    "sign-out-failed": ["Could not sign out", "You may still be signed in. Please try again."],
    ended: "Your session has ended. Please sign in again.",
    safari: "Safari cannot keep you signed in on an http address. Please use Chrome.",
    kakao: "Login with Kakao",
    email: "Sign in with e-mail",
    nicknameLabel: "Nickname",
    noNickname: "Member",
    emailLabel: "E-mail",
    noEmail: "Not shared",
    noEmailMeans: "Kakao did not share an e-mail address. You can use everything here, but will get no messages by e-mail.",
    signOut: "Sign out",
    retry: "Try again",
    back: "Back",
    terms: "Terms of service",
    privacy: "Privacy policy",
    chatTitle: "Chat",
    message: "Message",
    send: "Send",
    notLoaded: "This part did not open. Please reload the page.",
  },
};
const language = navigator.language.startsWith("en") ? "en" : "ko";
const text = texts[language];

const RENEW_BEFORE_EXPIRY = 60; // seconds
const SHORTEST_WAIT = 5; // seconds: a wrong header must not cause a loop
const LONGEST_WAIT = 300;
const GIVE_UP_AFTER = 15;

const element = (id) => document.getElementById(id);
let state = "loading";
let retry = check;
let chat; // the module, once a user is signed in
let forms; // the module, once a user asks for sign-in with e-mail
const FORM_EMAIL = "email-of-form"; // in sessionStorage, so that a reload keeps the e-mail

/** Shows one state of the page. Removes personal data of the old state. Moves the focus only to another state. */
function show(next, { words = next, notice = "", nickname = "", email = "", secondsLeft = 0 } = {}) {
  [element("title").textContent, element("lead").textContent] = text[words] ?? words;
  element("notice").textContent = notice;
  element("nickname").textContent = shownName(nickname);
  element("email").textContent = email || text.noEmail;
  element("email").classList.toggle("withheld", !email);
  element("no-email").hidden = Boolean(email);
  for (const part of document.querySelectorAll("[data-for]")) {
    part.hidden = !part.dataset.for.split(" ").includes(next);
  }
  if (next !== state) element("title").focus();
  state = next;
  if (next !== "email") forms?.clear();
  if (next === "signed-in") {
    forgetForm();
    openChat(secondsLeft);
  } else chat?.disconnect();
}

/** Shows the form in `history.state`. The address does not change; Back leads to the page. */
async function openForms() {
  try {
    forms ??= await import("/forms/forms.js");
    await forms.open({ place: element("forms"), language, key: FORM_EMAIL, show, leave, signedIn, timeout });
  } catch {
    show("signed-out", { notice: text.notLoaded });
  }
}

function forgetForm() {
  if (history.state?.form) history.replaceState(null, "");
  try {
    sessionStorage.removeItem(FORM_EMAIL);
  } catch {} // storage is blocked
}

function leave() {
  forgetForm();
  show("signed-out");
}

async function signedIn() {
  forgetForm();
  show("loading");
  await exchange; // a refresh may be under way
  check();
}

async function openChat(secondsLeft) {
  try {
    chat ??= await import("/chat.js");
    if (state === "signed-in") chat.connect({ language, check, shownName }, secondsLeft);
  } catch {
    element("connection").textContent = text.notLoaded;
  }
}

/** A signal that aborts after these seconds. `AbortSignal.timeout` needs Safari 16 or Chrome 103. */
function timeout(seconds) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), seconds * 1000);
  return controller.signal;
}

const api = (path, method = "GET") =>
  fetch(`/api/${path}`, { method, credentials: "same-origin", cache: "no-store", signal: timeout(GIVE_UP_AFTER) });

const unexpected = ({ status }, more) => Object.assign(new Error(`unexpected status ${status}`), { status, ...more });

/** Resolves to true with a new session and to false after a 401. Rejects on any other answer. */
async function refresh() {
  const answer = await api("auth/refresh", "POST");
  const { ok, status } = answer;
  if (!ok && status !== 401) throw unexpected(answer, { refused: status < 500 && status !== 408 && status !== 429 });
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
  return { ...(await answer.json()), secondsLeft: Number(answer.headers.get("Session-Expires-In")) };
}

let exchange;
/** Runs `task` after those of other tabs, which share the cookies, unless this tab runs one. */
function alone(task) {
  exchange ??= turn(task).finally(() => (exchange = undefined));
  return exchange;
}

/** Runs `task`, which never rejects, under the lock. Safari before 15.4 has no locks; later ones keep locks of closed tabs. */
function turn(task) {
  if (!navigator.locks) return task();
  return navigator.locks.request("session", { signal: timeout(GIVE_UP_AFTER) }, task).catch(task);
}

let timer;
let wait = SHORTEST_WAIT;
function later(seconds, refreshing) {
  clearTimeout(timer);
  timer = setTimeout(() => check(refreshing), Math.max(seconds, SHORTEST_WAIT) * 1000);
}

/** Asks who is signed in and shows it. The screen does not change before the answer. */
function check(refreshing = state === "signed-out" || state === "email" ? "never" : "on 401") {
  return alone(async () => {
    clearTimeout(timer);
    try {
      const user = await whoIsSignedIn(refreshing);
      wait = SHORTEST_WAIT;
      if (!user) {
        if (state === "email") return;
        if (state === "loading" && history.state?.form && element("by-email")) return openForms();
        const notice = state === "signed-in" ? text.ended : element("notice").textContent;
        return show("signed-out", { notice });
      }
      const { nickname, email, secondsLeft } = user;
      show("signed-in", { nickname, email, secondsLeft });
      if (secondsLeft > 0) later(secondsLeft - Math.min(RENEW_BEFORE_EXPIRY, secondsLeft / 2), "first");
    } catch ({ status, refused }) {
      if (state === "email") return; // keep the form and its fields
      // After a refusal a retry is no use: the user signs in again when the token expires.
      const over = refused && refreshing !== "first";
      if (state !== "signed-in" || over) return fail("failed", check, status ? "failed" : "unreachable");
      later(wait, refused ? "on 401" : refreshing);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  });
}

async function signOut() {
  await exchange; // a refresh after the sign-out would restore the session
  await alone(async () => {
    clearTimeout(timer);
    try {
      const answer = await api("auth/logout", "POST");
      if (!answer.ok) throw unexpected(answer);
      const url = new URL((await answer.json()).logout_url);
      if (!/^https?:$/.test(url.protocol)) throw new Error(`logout: ${url.protocol}`);
      show("loading"); // Back may restore this page from the cache, without data
      location.assign(url);
    } catch {
      fail("sign-out-failed", signOut);
    }
  });
}

function fail(how, again, words = how) {
  retry = again;
  show(how, { words });
}

// Invisible characters. Unicode has two blanks among its symbols.
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{White_Space}\p{Cc}\p{Cf}\p{Cs}\p{M}\u2800\u{1d159}\ufffc]/gu;

/** A user's name on one line that cannot reorder the text around it; "Member" if nothing is visible. */
export function shownName(name) {
  if (!name?.replace(INVISIBLE, "")) return text.noNickname;
  return name.replace(/\p{Bidi_Control}/gu, "").replace(/[\p{Cc}\p{White_Space}]+/gu, " ").trim();
}

/** Sets the return address of the login link to this page, with its fragment. */
function aimLogin() {
  const here = location.pathname + location.search + location.hash;
  const query = new URLSearchParams({ provider: "Kakao", origin: location.origin });
  if (here !== "/") query.set("return_to", here);
  element("by-kakao").href = `/api/auth/login?${query}`;
}

function start() {
  element("fallback").remove();
  document.documentElement.lang = language;
  document.title = text.title;
  for (const part of document.querySelectorAll("[data-text]")) part.textContent = text[part.dataset.text];
  for (const link of document.querySelectorAll("[data-page]")) {
    link.href = document.querySelector(`meta[name=${link.dataset.page}]`)?.content ?? "";
    link.hidden = !link.getAttribute("href");
  }
  // WebKit takes no `__Host-` cookie over http, not even from localhost.
  element("safari").hidden = !(location.protocol === "http:" && navigator.vendor.startsWith("Apple"));

  aimLogin();
  // `pushState` has no event, so the link is set again at each use.
  for (const event of ["hashchange", "popstate", "pointerdown", "focusin", "click"]) addEventListener(event, aimLogin, true);

  if (document.querySelector("meta[name=email-accounts]")?.content === "false") element("by-email").remove();
  element("by-email")?.addEventListener("click", () => {
    history.pushState({ form: "sign-in" }, "");
    openForms();
  });
  addEventListener("popstate", () => {
    if (state !== "email" && state !== "signed-out") return;
    if (history.state?.form && element("by-email")) openForms();
    else if (state === "email") show("signed-out");
  });
  element("sign-out").addEventListener("click", signOut);
  for (const [button, action] of [["retry", () => retry()], ["back", () => check()]]) {
    element(button).addEventListener("click", () => {
      show("loading");
      action();
    });
  }
  // Timers stop while a laptop sleeps, and another tab may have signed out.
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && check());
  addEventListener("online", () => state !== "signed-out" && state !== "email" && check());
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    show("loading");
    check();
  });
  show("loading");
  check();
}

start();
