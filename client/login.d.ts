/** A signed-in user, as `GET /api/userinfo` answers. */
export interface User {
  /** User name at Cognito, such as `Kakao_123`. It stays the same; a nickname may change. */
  name: string;
  /** `Kakao`, or `Cognito` for an account with e-mail. */
  provider: string;
  /** Null where the user withheld it. */
  nickname: string | null;
  /** Null where the user withheld it. */
  email: string | null;
  email_verified: boolean;
  /** The groups of the setting `groups` that the user is in. */
  groups: string[];
  /** Further members that the service answers. */
  [member: string]: unknown;
}

/** `status` is that of an unexpected answer. Without it the service was not reached. */
export interface LoginError extends Error {
  status?: number;
}

export type Session =
  /** Nothing is known yet. */
  | { readonly state: "loading"; readonly user: null; readonly error: null }
  | { readonly state: "signed-in"; readonly user: User; readonly error: null }
  | { readonly state: "signed-out"; readonly user: null; readonly error: null }
  /** The service did not say who is signed in. `reload` asks again. */
  | { readonly state: "failed"; readonly user: null; readonly error: LoginError };

/**
 * What is known now: the same object until it changes. With `onChange` it is a store for React:
 * `useSyncExternalStore(onChange, current, current)`.
 */
export function current(): Session;

/** Resolves to the signed-in user, or to null. Rejects where the service does not say. */
export function user(): Promise<User | null>;

/**
 * Calls `listener` at each change, and asks who is signed in if that is not known yet. Returns a function that ends the
 * calls. The session is renewed before it expires, as long as the page is open.
 */
export function onChange(listener: (session: Session) => void): () => void;

/** Asks again who is signed in. `current` changes with the response, if it differs. */
export function check(): Promise<void>;

/** Goes back to "loading" and asks again: for a button "try again", and after a form of yours has signed a user in. */
export function reload(): Promise<void>;

export interface SignInOptions {
  /** Where the user comes back to, on this site. The default is the address of the page. */
  returnTo?: string;
  /** The default is `Kakao`. */
  provider?: string;
  /** Further parameters of `GET /api/auth/login`. */
  parameters?: Record<string, string>;
}

/** Leaves the page for the sign-in. */
export function signIn(options?: SignInOptions): void;

/** The address that `signIn` opens, for a link. */
export function signInUrl(options?: SignInOptions): string;

export interface SignOutOptions {
  /** Whether to end the session at Kakao too, where the setting `kakaoLogout` is true. */
  kakao?: boolean;
}

/** Ends the session and leaves the page for the sign-out at Cognito, which leads back to `/`. Rejects on a failure. */
export function signOut(options?: SignOutOptions): Promise<void>;

/**
 * `fetch` for the routes of this site. A 401 renews the session, once for all requests under way, and repeats the
 * request. A request to another site is left as it is.
 */
declare function fetchInSession(resource: RequestInfo | URL, options?: RequestInit): Promise<Response>;
export { fetchInSession as fetch };

/**
 * Calls `follower` after each check that has an outcome, changed or not, and at once if there was one. `endsAt` is the
 * time at which the token of the session expires, in seconds since 1970 by the clock of this machine.
 */
export function onCheck(follower: (session: Session, endsAt: number) => void): () => void;

/** A signal that aborts after these seconds, for browsers without `AbortSignal.timeout`. */
export function timeout(seconds: number): AbortSignal;
