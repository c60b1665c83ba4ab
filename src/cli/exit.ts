import type { RepriseError } from "../errors.ts";

/** Exit codes: what a script can tell apart. */
export const exit = { ok: 0, failed: 1, usage: 2, partly: 3, refused: 4, unreachable: 5, unsynced: 6 } as const;
export type ExitCode = (typeof exit)[keyof typeof exit];

/** The code of a failure that has none of its own, by its exit code. */
const codes: Readonly<Record<ExitCode, string>> = {
  [exit.ok]: "OK",
  [exit.failed]: "FAILED",
  [exit.usage]: "USAGE",
  [exit.partly]: "PARTLY_DONE",
  [exit.refused]: "REFUSED",
  [exit.unreachable]: "UNREACHABLE",
  [exit.unsynced]: "LOG_SYNC_FAILED",
};

/** A command that ends without success. `message` is for people: what happened, where, and what to do, one thing a line. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: ExitCode;
  /** The same for programs: a problem's members, or at least a code and a message. */
  readonly members: object & { readonly code: unknown };

  constructor(exitCode: ExitCode, message: string, members?: object) {
    super(message);
    this.exitCode = exitCode;
    this.members = { code: codes[exitCode], ...(members ?? { message }) };
  }
}

/** An error of Reprise itself, that a command without a service has met. @param what has failed, as the first line. */
export function fromReprise({ kind, code, message, remedy }: RepriseError, what?: string): Failure {
  const exitCode = kind === "unavailable" ? exit.unreachable : kind === "config" ? exit.usage : exit.failed;
  const lines = what === undefined ? [`${message} (${code})`, remedy] : [`${what} (${code}).`, message, remedy];
  return new Failure(exitCode, lines.join("\n"), { code, message });
}

/** The command line itself is wrong. */
export function usage(message: string): Failure {
  return new Failure(exit.usage, message);
}
