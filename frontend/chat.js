const texts = {
  ko: {
    connecting: "연결하고 있어요.",
    connected: "연결됐어요. 보낸 메시지가 그대로 돌아와요.",
    lost: "연결이 끊겼어요. 곧 다시 연결할게요.",
    offline: "오프라인이에요. 인터넷에 연결되면 이어갈게요.",
    too_long: "메시지가 너무 길어요. 줄여서 다시 보내 주세요.",
    failed: "메시지를 보내지 못했어요. 다시 보내 주세요.",
    resend: "다시 보내기",
  },
  en: {
    connecting: "Connecting.",
    connected: "Connected. Your messages come back to you.",
    lost: "The connection was lost. The page connects again in a moment.",
    offline: "You are offline. The page connects again once you are online.",
    too_long: "The message is too long. Please shorten it.",
    failed: "The message was not sent. Please send it again.",
    resend: "Send again",
  },
};

const SHORTEST_WAIT = 1; // seconds
const LONGEST_WAIT = 60;
const STABLE_AFTER = 10; // seconds; a shorter connection counts as a failure
const RENEWED_BY = 5; // seconds; a session that ends later by this is a new one
const ANSWER_WITHIN = 10; // seconds, with a cold start
const TRUSTED_FOR = 30; // seconds without a frame; then a ping before use
const LINES = 100;

const element = (id) => document.getElementById(id);
const now = () => Date.now() / 1000;

let text, check, shownName; // what the chat says, how the page asks about the session, and how it writes a user's name
let socket, timer;
let wait = SHORTEST_WAIT;
let ends = 0; // when the session and this connection end
let lost; // drops this connection and connects again
let opened, heard; // times of the opening and of the last frame
let probed; // the timer of an unanswered handshake or ping
let sent = 0;
const unanswered = new Map(); // by id: a message's line, and its timer

/** Keeps a connection while the session lasts. Connects again after a refresh. */
export function connect(page, secondsLeft) {
  ({ check, shownName } = page);
  text = texts[page.language];
  const until = now() + secondsLeft;
  if (socket && !(until > ends + RENEWED_BY)) return probe();
  hangUp();
  if (!navigator.onLine) return say("offline");
  say("connecting");
  ends = until;
  opened = Infinity;
  const own = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws`);
  socket = own;
  lost = () => {
    if (own !== socket) return;
    if (now() - opened > STABLE_AFTER) wait = SHORTEST_WAIT;
    hangUp();
    say(navigator.onLine ? "lost" : "offline");
    // A page is not told why. If the session has expired, this refreshes it, and the page connects again.
    timer = setTimeout(check, wait * 1000 * (1 + Math.random() / 4));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  };
  probed = setTimeout(lost, ANSWER_WITHIN * 1000);
  own.addEventListener("open", () => {
    if (own !== socket) return;
    opened = now();
    alive();
    say("connected");
  });
  own.addEventListener("message", ({ data }) => own === socket && hear(data));
  own.addEventListener("close", lost);
}

/** Ends the connection and removes all messages. */
export function disconnect() {
  hangUp();
  text = undefined;
  element("message").value = "";
  element("said").replaceChildren();
}

function hangUp() {
  clearTimeout(timer);
  clearTimeout(probed);
  const old = socket;
  socket = undefined;
  old?.close();
  enable(false);
  for (const id of unanswered.keys()) unsent(settle(id));
}

function enable(open) {
  for (const button of document.querySelectorAll("#send, #said button")) button.disabled = !open;
}

function say(how) {
  element("connection").textContent = text[how];
  enable(how === "connected");
}

function alive() {
  clearTimeout(probed);
  probed = undefined;
  heard = now();
}

/** Sends a ping. A socket looks open after the network is lost.
 *
 * API Gateway bills each message, so there is no timer: the page sends a ping when it becomes visible and when the field
 * gets the focus. The loss of an idle connection is noticed then, or by API Gateway's idle timeout of ten minutes.
 */
function probe() {
  if (socket?.readyState !== WebSocket.OPEN || probed || unanswered.size || now() - heard < TRUSTED_FOR) return;
  socket.send('{"ping":true}');
  probed = setTimeout(lost, ANSWER_WITHIN * 1000);
}

function send(line) {
  const id = String(++sent);
  line.className = "pending";
  line.replaceChildren(line.querySelector("bdi"));
  socket.send(JSON.stringify({ message: line.textContent, id }));
  unanswered.set(id, { line, timer: setTimeout(lost, ANSWER_WITHIN * 1000) });
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
  again.disabled = socket?.readyState !== WebSocket.OPEN;
  again.addEventListener("click", () => {
    send(line);
    element("message").focus();
  });
  line.className = "unsent";
  line.append(" ", again);
}

/** Shows an answer: a message, or why it was refused. */
function hear(frame) {
  alive();
  let answer;
  try {
    answer = JSON.parse(frame) ?? {};
  } catch {
    return;
  }
  const { pong, id, nickname, message, error } = answer;
  if (pong) return;
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
  if (!message || socket?.readyState !== WebSocket.OPEN) return;
  send(newLine(message));
  element("message").value = "";
});
element("message").addEventListener("focus", probe);
addEventListener("offline", () => {
  if (!text) return;
  hangUp();
  say("offline");
});
