/**
 * Sign-in and sign-up with e-mail, one form a step, over the JSON API. app.js loads this when a user asks for it.
 *
 * What is kept, and where: the step in the entry of the history, without a change of the address, so that Back goes one
 * step back; the e-mail in the tab's own storage, so that a reload loses nothing, until the user signs in or leaves;
 * passwords and codes nowhere but in the form, and the password of a sign-up in this module until its code is entered.
 */

import { timeout } from "/login.js";

const GIVE_UP_AFTER = 25; // seconds; the answer of reset-password alone takes two
const CODE_DIGITS = 6;
const MIN_PASSWORD = 12; // as the user pool has it
// Which field an error of the API belongs to. Any other error is shown above the button.
const FIELD_OF = {
  invalid_email: "email",
  email_taken: "email",
  weak_password: "password",
  wrong_credentials: "password",
  invalid_code: "code",
  expired_code: "code",
};

const STEPS = {
  "sign-in": { send: signIn, fields: ["email", "password"], links: ["forgot", "sign-up"] },
  "sign-up": { send: signUp, fields: ["email", "password"], links: ["sign-in"], isNew: "chosenPassword" },
  confirm: { send: confirm, fields: ["email", "code", "password"], links: ["sign-up"], resend: "resend-code" },
  forgot: { send: forgot, fields: ["email"], links: ["sign-in"] },
  reset: {
    send: reset,
    fields: ["email", "code", "password"],
    links: ["forgot"],
    resend: "forgot-password",
    isNew: "newPassword",
  },
};

let page; // what app.js hands over
let text;
let form;
let email = ""; // where the browser stores nothing
let password = ""; // of a sign-up whose code is not entered yet

/** Shows the step that the entry of the history names. */
export async function open(handed) {
  page ??= handed;
  text ??= (await Promise.all([import(`/forms/${page.language}.js`), style()]))[0].default;
  render();
}

function style() {
  const link = make("link", { rel: "stylesheet", href: "/forms/forms.css" });
  return new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => {
      link.remove();
      reject(new Error("no style"));
    };
    document.head.append(link);
  });
}

/** Takes the form away, with all that was typed into it. */
export function clear() {
  password = "";
  form = undefined;
  page?.place.replaceChildren();
  page?.place.closest(".card").removeAttribute("data-forms");
}

function keptEmail() {
  try {
    return sessionStorage.getItem(page.key) ?? "";
  } catch {
    return email;
  }
}

function keepEmail(typed) {
  email = typed;
  try {
    sessionStorage.setItem(page.key, typed);
  } catch {} // a browser that stores nothing
}

const own = (table, key) => (Object.prototype.hasOwnProperty.call(table, key) ? table[key] : undefined);
const step = () => (own(STEPS, history.state?.form) ? history.state.form : "sign-in");

function go(next, notice = "") {
  if (next !== step()) history.pushState({ form: next }, "");
  render(notice);
}

/** An element with these properties; those with a hyphen are attributes. */
function make(name, properties, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "for" || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

function render(notice = "") {
  const now = step();
  const { fields, links, resend, isNew } = STEPS[now];
  const shown = fields.filter((name) => !(now === "confirm" && name === "password" && password));
  form = make("form", { className: "form", method: "post", noValidate: true, "aria-labelledby": "title" });
  form.append(
    ...shown.map((name) => field(name, { now, isNew })),
    make("p", { className: "problem", role: "alert" }),
    make("button", { className: "button submit", textContent: text.submit[now] }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(STEPS[now].send);
  });
  const others = make("div", { className: "links" });
  const link = (label, action) => others.append(make("button", { type: "button", textContent: label, onclick: action }));
  if (resend) link(text.resend, () => attempt(() => sendAgain(resend)));
  for (const other of links) link(resend ? text.otherEmail : text.to[other], () => go(other));
  link(text.leave, page.leave);

  page.place.replaceChildren(form, others);
  page.place.closest(".card").dataset.forms = "";
  page.show("email", { words: text.steps[now], notice });
  const inputs = [...form.querySelectorAll("input:not([type=checkbox])")];
  (inputs.find((input) => !input.value) ?? form.querySelector("button")).focus();
}

function field(name, { now, isNew }) {
  const id = `form-${name}`;
  const fresh = name === "password" && isNew;
  const input = make("input", {
    id,
    name,
    ...{
      email: {
        type: "email",
        autocomplete: "username",
        autocapitalize: "none",
        spellcheck: false,
        value: keptEmail(),
        readOnly: (now === "confirm" || now === "reset") && Boolean(keptEmail()),
      },
      password: { type: "password", autocomplete: fresh ? "new-password" : "current-password" },
      code: { type: "text", inputMode: "numeric", autocomplete: "one-time-code", spellcheck: false },
    }[name],
    "aria-required": "true",
    "aria-describedby": `${fresh ? `${id}-note ` : ""}${id}-error`,
  });
  input.addEventListener("input", () => {
    complain(name, "");
    if (name === "email") keepEmail(input.value.trim());
  });
  const label = fresh ? text[isNew] : name === "password" && now === "confirm" ? text.passwordAgain : text[name];
  const parts = [make("label", { for: id, textContent: label }), input];
  if (fresh) parts.push(make("p", { id: `${id}-note`, className: "note", textContent: text.passwordHint }));
  parts.push(make("p", { id: `${id}-error`, className: "error" }));
  if (name === "password") {
    const reveal = make("input", { type: "checkbox", className: "check" });
    reveal.addEventListener("change", () => (input.type = reveal.checked ? "text" : "password"));
    parts.push(make("label", { className: "reveal" }, reveal, text.reveal));
  }
  return make("div", { className: "field" }, ...parts);
}

const value = (name) => form.elements[name]?.value ?? "";
const typedEmail = () => value("email").trim();
/** The digits of a code, however it was pasted: with spaces, hyphens or full-width digits. */
const typedCode = () => value("code").normalize("NFKC").replace(/[^0-9]/g, "");

/** Says beside a field what is wrong with it, or nothing any more. */
function complain(name, message) {
  const input = form.elements[name];
  if (message) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  document.getElementById(`form-${name}-error`).textContent = message;
}

/** What the user can see to be wrong before anything is sent. */
function flaws(sending) {
  const now = step();
  const found = {};
  if (!typedEmail()) found.email = text.errors.noEmail;
  if (sending !== STEPS[now].send) return found; // a code is asked for again
  const chosen = value("password");
  if (form.elements.code && typedCode().length !== CODE_DIGITS) found.code = text.errors.noCode;
  if (form.elements.password && !chosen) found.password = text.errors.noPassword;
  else if (STEPS[now].isNew && (chosen.length < MIN_PASSWORD || chosen !== chosen.trim())) {
    found.password = text.errors.weak_password;
  }
  return found;
}

/** Sends a step unless one is under way. The form stays as it is until the answer is there, and after an error. */
async function attempt(send) {
  const sent = form;
  if (sent.getAttribute("aria-busy") === "true") return;
  const button = sent.querySelector(".submit");
  const say = (message) => (sent.querySelector(".problem").textContent = message);
  say("");
  for (const name of ["email", "code", "password"]) if (sent.elements[name]) complain(name, "");
  const found = Object.entries(flaws(send));
  for (const [name, message] of found) complain(name, message);
  if (found.length) return sent.elements[found[0][0]].focus();

  // A browser offers to save what is in a field for passwords, and shows other people nothing meanwhile.
  const reveal = sent.querySelector(".check");
  if (reveal?.checked) reveal.click();
  const label = button.textContent;
  sent.setAttribute("aria-busy", "true");
  button.setAttribute("aria-disabled", "true");
  button.textContent = text.busy;
  try {
    const goOn = await send();
    if (sent === form) goOn?.(); // not where the user has left meanwhile
  } catch (error) {
    if (sent !== form) return;
    const { code = "unavailable" } = error;
    const name = own(FIELD_OF, code);
    const message = own(text.errors, code) ?? text.errors.unavailable;
    if (!name || !sent.elements[name]) return say(message);
    complain(name, message);
    sent.elements[name].focus();
    sent.elements[name].select();
  } finally {
    sent.removeAttribute("aria-busy");
    button.removeAttribute("aria-disabled");
    button.textContent = label;
  }
}

/** Resolves if the API did it; else throws an error with the API's `code`, or one of "throttled" and "unreachable". */
async function post(path, body) {
  let answer;
  try {
    answer = await fetch(`/api/auth/${path}`, {
      method: "POST",
      credentials: "same-origin",
      cache: "no-store",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email: typedEmail(), ...body }),
      signal: timeout(GIVE_UP_AFTER),
    });
  } catch {
    throw Object.assign(new Error("no answer"), { code: "unreachable" });
  }
  if (answer.ok) return;
  const { error } = await answer.json().catch(() => ({}));
  // The gateway's 429 has no error code of the API.
  const code = error ?? (answer.status === 429 ? "throttled" : "unavailable");
  throw Object.assign(new Error(`status ${answer.status}`), { code });
}

// The steps. Each sends what its form holds, and returns what the page does then.

async function signIn() {
  const typed = value("password");
  try {
    await enter(typed);
  } catch (error) {
    if (error.code !== "not_confirmed") throw error;
    return () => {
      password = typed;
      go("confirm", text.notConfirmed);
    };
  }
}

async function signUp() {
  const chosen = value("password");
  await post("sign-up", { password: chosen });
  return () => {
    password = chosen;
    go("confirm", text.mailed);
  };
}

/** The API compares the password, since a stranger may have signed the e-mail up before its owner did. */
async function confirm() {
  const chosen = password || value("password");
  let notice = text.confirmed;
  try {
    await post("confirm", { code: typedCode(), password: chosen });
  } catch (error) {
    if (error.code === "password_reset_required") return () => ask("reset", text.resetRequired);
    if (error.code !== "already_confirmed") throw error;
    notice = text.alreadyConfirmed;
  }
  return enterOrAsk(chosen, notice);
}

async function forgot() {
  await post("forgot-password");
  return () => go("reset", text.asked);
}

async function reset() {
  const chosen = value("password");
  await post("reset-password", { code: typedCode(), password: chosen });
  return enterOrAsk(chosen, text.passwordSet);
}

async function sendAgain(route) {
  await post(route);
  return () => (document.getElementById("notice").textContent = text.sent);
}

/** Signs in with a password that the step before has set or checked; asks for it where that fails. */
async function enterOrAsk(chosen, notice) {
  try {
    await enter(chosen);
  } catch {
    return () => ask("sign-in", notice);
  }
}

/** Goes to a step that asks for a password: the one that this module knows is no use any more. */
function ask(next, notice) {
  password = "";
  go(next, notice);
}

async function enter(chosen) {
  await post("sign-in", { password: chosen, session: true });
  email = "";
  page.signedIn();
}
