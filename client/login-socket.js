// A WebSocket that lasts as long as the session of login.js.

import { check, onCheck } from "./login.js";

const SHORTEST_RECONNECT = 1; // seconds
const LONGEST_RECONNECT = 60;
const STABLE_AFTER = 10; // seconds; a shorter connection counts as a failure
const RENEWED_BY = 5; // seconds; a session that ends later by this is a new one
const ANSWER_WITHIN = 10; // seconds, with a cold start
const TRUSTED_FOR = 30; // seconds without a frame; then a ping before use

const now = () => Date.now() / 1000;

export function connect({ onMessage = () => {}, onState = () => {}, path = "/ws", ping = "" } = {}) {
  let socket, timer, drop, signedIn;
  let wait = SHORTEST_RECONNECT;
  let ends = 0; // when the session of this connection ends
  let opened, heard; // times of the opening and of the last frame
  let probed; // the timer of an unanswered handshake or ping

  function hangUp(state) {
    clearTimeout(timer);
    clearTimeout(probed);
    const old = socket;
    socket = probed = undefined;
    old?.close();
    if (state) onState(state);
  }

  function open(endsAt) {
    hangUp();
    if (!navigator.onLine) return onState("offline");
    onState("connecting");
    ends = endsAt;
    opened = Infinity;
    const own = new WebSocket(location.origin.replace(/^http/, "ws") + path);
    socket = own;
    drop = () => {
      if (own !== socket) return;
      if (now() - opened > STABLE_AFTER) wait = SHORTEST_RECONNECT;
      hangUp(navigator.onLine ? "lost" : "offline");
      // A page is not told why. If the session has expired, the check refreshes it, and `follow` connects again.
      timer = setTimeout(check, wait * 1000 * (1 + Math.random() / 4));
      wait = Math.min(wait * 2, LONGEST_RECONNECT);
    };
    probed = setTimeout(drop, ANSWER_WITHIN * 1000);
    own.addEventListener("open", () => {
      if (own !== socket) return;
      opened = now();
      alive();
      onState("connected");
    });
    own.addEventListener("message", ({ data }) => {
      if (own !== socket) return;
      alive();
      onMessage(data);
    });
    own.addEventListener("close", drop);
  }

  function alive() {
    clearTimeout(probed);
    probed = undefined;
    heard = now();
  }

  const isOpen = () => socket?.readyState === WebSocket.OPEN;

  /**
   * Sends a ping. A socket looks open after the network is lost.
   *
   * API Gateway bills each message, so there is no timer: a ping is sent when the page becomes visible and when the page
   * asks for it. The loss of an idle connection is noticed then, or by API Gateway's idle timeout of ten minutes.
   */
  function probe() {
    if (!ping || !isOpen() || probed || now() - heard < TRUSTED_FOR) return;
    socket.send(ping);
    probed = setTimeout(drop, ANSWER_WITHIN * 1000);
  }

  function follow({ state }, endsAt) {
    signedIn = state === "signed-in";
    if (!signedIn) hangUp("closed");
    else if (socket && !(endsAt > ends + RENEWED_BY)) probe();
    else open(endsAt);
  }

  const offline = () => signedIn && hangUp("offline");
  addEventListener("offline", offline);
  const unfollow = onCheck(follow);

  return {
    send(data) {
      if (!isOpen()) return false;
      socket.send(typeof data === "string" ? data : JSON.stringify(data));
      return true;
    },
    probe,
    reconnect: () => drop?.(),
    close() {
      removeEventListener("offline", offline);
      unfollow();
      hangUp("closed");
    },
  };
}
