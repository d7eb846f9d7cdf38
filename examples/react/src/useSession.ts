import { current, onChange, type Session } from "kakao-login-client";
import { useSyncExternalStore } from "react";

/** Who is signed in. The component renders again at each change. */
export function useSession(): Session {
  return useSyncExternalStore(onChange, current, current);
}
