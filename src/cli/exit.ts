import type { RepriseError } from "../errors.ts";

/** Exit codes: what a script can tell apart. */
export const exit = { ok: 0, failed: 1, usage: 2, partly: 3, refused: 4, unreachable: 5, unsynced: 6 } as const;
export type ExitCode = (typeof exit)[keyof typeof exit];

/** A command that ends without success. `message` is for people: what happened, where, and what to do, one thing a line. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: ExitCode;
  /** The same for programs: a problem's members, or at least a code. */
  readonly members: object | undefined;

  constructor(exitCode: ExitCode, message: string, members?: object) {
    super(message);
    this.exitCode = exitCode;
    this.members = members;
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
