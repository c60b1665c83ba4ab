/** What a handler's calls need beside a slot of the handler: the leave of the integration that it calls, and shares with other handlers. */

/** One call's leave. */
export interface Permit {
  /** Which of the integration's states it was given in. */
  readonly epoch: number;
  /** It tries whether the integration is back. */
  readonly isTrial: boolean;
}

export interface Permits {
  /** Whether one more call may begin now. When not, the handler waits in line for it. */
  mayBegin(nowMs: number): boolean;
  /** After `mayBegin` refused, although a call is ready. */
  want(): void;
  /** After `mayBegin` said so. */
  begin(nowMs: number): Permit;
  /** The call has ended, or gave its slot back. */
  end(permit: Permit): void;
  /** The handler has nothing to begin now: whoever stands behind it in line comes first. */
  idle(): void;
  /** Monotonic time at which `mayBegin` may say something else; null: it tells. */
  nextMs(): number | null;
}
