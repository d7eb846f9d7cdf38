/** "lost" and "offline" become "connecting" again by themselves. "closed": no user is signed in, or `close` was called. */
export type ConnectionState = "connecting" | "connected" | "lost" | "offline" | "closed";

export interface ConnectOptions {
  onMessage?: (data: string) => void;
  onState?: (state: ConnectionState) => void;
  /** The default is `/ws`. */
  path?: string;
  /** A message that your service answers, such as `{"ping":true}`. Without it a silent loss is noticed late. */
  ping?: string;
}

export interface Connection {
  /** Sends a text, or anything else as JSON. False: the connection is not open, and nothing was sent. */
  send(data: unknown): boolean;
  /** Asks whether a quiet connection still works, with `ping`: call it when the user is about to write. */
  probe(): void;
  /** Drops the connection and connects again: for a message whose answer does not arrive. */
  reconnect(): void;
  close(): void;
}

/** Keeps a WebSocket open while a user is signed in. After losses it waits longer and longer. */
export function connect(options?: ConnectOptions): Connection;
