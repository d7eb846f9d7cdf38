import * as login from "/login.js";

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
    atKakaoToo: "카카오계정에서도 로그아웃",
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
    atKakaoToo: "Sign out of Kakao too",
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

const element = (id) => document.getElementById(id);
const kakaoTalk = navigator.userAgent.includes("KAKAOTALK") ? await import("/kakaotalk.js").catch(() => null) : null;
let state = "loading";
let retry = login.reload;
let chat; // the module, once a user is signed in
let forms; // the module, once a user asks for sign-in with e-mail
const FORM_EMAIL = "email-of-form"; // in sessionStorage, so that a reload keeps the e-mail

/** Shows one state of the page. Removes personal data of the old state. Moves the focus only to another state. */
function show(next, { words = next, notice = "", nickname = "", email = "" } = {}) {
  if (state === "loading" && kakaoTalk?.visit(next, element("by-kakao").href)) return;
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
    openChat();
  } else chat?.disconnect();
}

/** Shows the form in `history.state`. The address does not change; Back leads to the page. */
async function openForms() {
  try {
    forms ??= await import("/forms/forms.js");
    await forms.open({ place: element("forms"), language, key: FORM_EMAIL, show, leave, signedIn });
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

function signedIn() {
  forgetForm();
  login.reload();
}

async function openChat() {
  try {
    chat ??= await import("/chat.js");
    if (state === "signed-in") chat.connect({ language, shownName });
  } catch {
    element("connection").textContent = text.notLoaded;
  }
}

/** Shows what the login knows. */
function render({ state: next, user, error }) {
  if (state === "email" && (next === "signed-out" || next === "failed")) return; // keep the form and its fields
  if (next === "signed-out") {
    if (state === "loading" && history.state?.form && element("by-email")) return openForms();
    return show(next, { notice: state === "signed-in" ? text.ended : element("notice").textContent });
  }
  if (next === "failed") return fail(next, login.reload, error.status ? next : "unreachable");
  show(next, user ?? {});
}

async function signOut() {
  try {
    await login.signOut({ kakao: element("at-kakao-too")?.checked });
  } catch {
    fail("sign-out-failed", signOut);
  }
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
  element("by-kakao").href = login.signInUrl();
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
  if (document.querySelector("meta[name=kakao-logout]")?.content !== "true") element("at-kakao-too").closest("label").remove();
  element("sign-out").addEventListener("click", signOut);
  for (const [button, action] of [["retry", () => retry()], ["back", login.reload]]) {
    element(button).addEventListener("click", () => {
      show("loading");
      action();
    });
  }
  show("loading");
  login.onChange(render);
}

start();
