import { connect as openSocket } from "/login-socket.js";

const texts = {
  ko: {
    connecting: "연결하고 있어요.",
    connected: "연결됐어요. 메시지는 로그인한 모든 창에 나타나요.",
    lost: "연결이 끊겼어요. 곧 다시 연결할게요.",
    offline: "오프라인이에요. 인터넷에 연결되면 이어갈게요.",
    too_long: "메시지가 너무 길어요. 줄여서 다시 보내 주세요.",
    failed: "메시지를 보내지 못했어요. 다시 보내 주세요.",
    resend: "다시 보내기",
  },
  en: {
    connecting: "Connecting.",
    connected: "Connected. Messages appear in every window where you are signed in.",
    lost: "The connection was lost. The page connects again in a moment.",
    offline: "You are offline. The page connects again once you are online.",
    too_long: "The message is too long. Please shorten it.",
    failed: "The message was not sent. Please send it again.",
    resend: "Send again",
  },
};

const ANSWER_WITHIN = 10; // seconds, with a cold start
const LINES = 100;

const element = (id) => document.getElementById(id);

let text, shownName; // what the chat says, and how the page writes a user's name
let connection; // while a user is signed in
let isOpen = false;
let sent = 0;
const unanswered = new Map(); // by id: a message's line, and its timer

export function connect(page) {
  text = texts[page.language];
  shownName = page.shownName;
  connection ??= openSocket({ onMessage: hear, onState: follow, ping: '{"ping":true}' });
}

/** Ends the connection and removes all messages. */
export function disconnect() {
  connection?.close();
  connection = undefined;
  element("message").value = "";
  element("said").replaceChildren();
}

function follow(state) {
  if (state === "closed") enable(false);
  else say(state);
  if (!isOpen) for (const id of unanswered.keys()) unsent(settle(id));
}

function enable(open) {
  isOpen = open;
  for (const button of document.querySelectorAll("#send, #said button")) button.disabled = !open;
}

function say(how) {
  element("connection").textContent = text[how];
  enable(how === "connected");
}

function send(line) {
  const id = String(++sent);
  line.className = "pending";
  line.replaceChildren(line.querySelector("bdi"));
  connection.send({ message: line.textContent, id });
  unanswered.set(id, { line, timer: setTimeout(connection.reconnect, ANSWER_WITHIN * 1000) });
}

/** Returns the line of the message that this answer is for. */
function settle(id) {
  const { line, timer } = unanswered.get(id) ?? {};
  clearTimeout(timer);
  unanswered.delete(id);
  return line;
}

/** Keeps a message without an answer. The user decides whether to send it again: it may have arrived. */
function unsent(line) {
  if (!line) return;
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = text.resend;
  again.disabled = !isOpen;
  again.addEventListener("click", () => {
    send(line);
    element("message").focus();
  });
  line.className = "unsent";
  line.append(" ", again);
}

/** Shows an answer: a message, or why it was refused. */
function hear(frame) {
  let answer;
  try {
    answer = JSON.parse(frame) ?? {};
  } catch {
    return;
  }
  const { pong, id, nickname, message, error } = answer;
  if (pong || (message === undefined && error === undefined)) return; // a frame of the team's own
  // The chat's errors have a code. API Gateway's have no code and no id: they are for the oldest message.
  if (nickname === undefined) {
    unsent(settle(id ?? unanswered.keys().next().value));
    return (element("connection").textContent = text[error] ?? text.failed);
  }
  say("connected");
  const line = settle(id) ?? newLine(message);
  const name = document.createElement("b");
  name.append(isolated(shownName(nickname)));
  line.className = "";
  line.replaceChildren(name, " ", isolated(message));
  scroll();
}

/** An element whose text cannot reorder its surroundings. */
function isolated(words) {
  const part = document.createElement("bdi");
  part.textContent = words;
  return part;
}

function newLine(message) {
  const line = document.createElement("p");
  line.append(isolated(message));
  element("said").append(line);
  if (element("said").childElementCount > LINES) element("said").querySelector("p:not(.pending):not(.unsent)")?.remove();
  scroll();
  return line;
}

function scroll() {
  element("said").scrollTop = element("said").scrollHeight;
}

element("chat").addEventListener("submit", (event) => {
  event.preventDefault();
  const message = element("message").value.trim();
  if (!message || !isOpen) return;
  send(newLine(message));
  element("message").value = "";
});
element("message").addEventListener("focus", () => connection?.probe());
