import type { EventLog } from "../../src/log/event-log.ts";

export interface LogUnderTest {
  readonly log: EventLog;
  /** Opens the same log again; the first one was closed. */
  reopen(): Promise<EventLog>;
}

/** What a chapter tries a log with. */
export interface Chapter {
  /** A new log, which is closed after the test. */
  open(): Promise<EventLog>;
  openPair(): Promise<LogUnderTest>;
  /** A new log that the test closes itself. */
  openEmpty(): Promise<LogUnderTest>;
  readonly timeoutMs: number;
  /** For many runs, each with a log of its own and its fsyncs: seconds on a slow disk. */
  readonly patient: { readonly timeout: number };
}
