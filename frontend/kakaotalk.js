// For KakaoTalk's own browser, where Kakao knows the user: a member is signed in without a press of the button.
// https://developers.kakao.com/docs/latest/ko/kakaologin/utilize#auto-login

const VISITED = "visited-in-kakaotalk"; // in sessionStorage, so once a visit

/**
 * Takes note of the visit, and signs a user in who is not signed in. Returns whether it leaves the page.
 *
 * Kakao shows no page (prompt=none), and whatever fails leads back here without a word. So the visit is noted first, also
 * of a user who is signed in and may sign out. Where nothing can be noted, nothing would end the loop.
 */
export function visit(state, loginUrl) {
  if (state !== "signed-in" && state !== "signed-out") return false;
  try {
    if (sessionStorage.getItem(VISITED)) return false;
    sessionStorage.setItem(VISITED, "yes");
    if (sessionStorage.getItem(VISITED) !== "yes") return false;
  } catch {
    return false; // storage is blocked
  }
  if (state === "signed-in" || !navigator.cookieEnabled) return false;
  location.replace(`${loginUrl}&prompt=none`);
  return true;
}
