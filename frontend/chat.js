const SHORTEST_WAIT = 1; // seconds, as all times here
const LONGEST_WAIT = 60;
const STABLE_AFTER = 10; // a connection that lasts so long was no failure
const RENEWED_BY = 5; // a session that ends so much later is another one
const LINES = 100;

const element = (id) => document.getElementById(id);
const now = () => Date.now() / 1000;

let text, check; // what the page says while somebody is signed in, and how it looks after the session
let socket, timer;
let wait = SHORTEST_WAIT;
let ends = 0; // when the session of this connection does, and the connection with it
let unanswered = "";

/** Keeps a connection while the session lasts, and takes a new one once the session is renewed. */
export function connect(page, secondsLeft) {
  ({ text, check } = page);
  const until = now() + secondsLeft;
  if (socket && !(until > ends + RENEWED_BY)) return;
  hangUp();
  if (!navigator.onLine) return say("offline");
  say("connecting");
  ends = until;
  const begun = now();
  const own = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws`);
  socket = own;
  own.addEventListener("open", () => own === socket && say("connected"));
  own.addEventListener("message", ({ data }) => own === socket && hear(data));
  own.addEventListener("close", () => {
    if (own !== socket) return;
    hangUp();
    say(navigator.onLine ? "lost" : "offline");
    if (now() - begun > STABLE_AFTER) wait = SHORTEST_WAIT;
    // Why is not told to a page. If it was the session, this renews it; whoever is signed in then connects again.
    timer = setTimeout(check, wait * 1000 * (1 + Math.random() / 4));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  });
}

/** Ends the connection, and leaves nothing of what was said. */
export function disconnect() {
  hangUp();
  text = undefined;
  element("message").value = "";
  element("said").replaceChildren();
}

function hangUp() {
  clearTimeout(timer);
  const old = socket;
  socket = undefined;
  old?.close();
  element("send").disabled = true;
  element("message").value ||= unanswered; // nobody has heard it
  unanswered = "";
}

function say(how) {
  element("connection").textContent = text.chat[how];
  element("send").disabled = how !== "connected";
}

/** Shows what came: what somebody said, or why it was not taken. */
function hear(frame) {
  const { nickname, message, error } = JSON.parse(frame);
  unanswered = "";
  // An error is the chat's, with a code, or the gateway's, with a text for programmers.
  if (nickname === undefined) return (element("connection").textContent = text.chat[error] ?? text.chat.failed);
  say("connected");
  const line = document.createElement("p");
  const name = document.createElement("b");
  name.textContent = nickname || text.noNickname;
  line.append(name, " ", message);
  element("said").append(line);
  if (element("said").childElementCount > LINES) element("said").firstElementChild.remove();
  element("said").scrollTop = element("said").scrollHeight;
}

element("chat").addEventListener("submit", (event) => {
  event.preventDefault();
  const message = element("message").value.trim();
  if (!message || socket?.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ message }));
  unanswered = message;
  element("message").value = "";
});
addEventListener("offline", () => {
  if (!text) return;
  hangUp();
  say("offline");
});
addEventListener("online", () => text && check());
