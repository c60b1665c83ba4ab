import type { Session } from "../../command.ts";
import { type ExitCode, exit, Failure } from "../../exit.ts";
import { type Column, printList } from "../../print.ts";

export type Asked<T> = T & { readonly asked: string };

/** Acts on one id after another. A problem with one id does not stop the others, but it stops when the service has gone away. */
export async function each<T extends object>(
  session: Session,
  ids: readonly string[],
  shown: readonly Column<Asked<T>>[],
  act: (id: string) => Promise<{ readonly row: Asked<T>; readonly ok: boolean }>,
): Promise<ExitCode> {
  const rows: Asked<T>[] = [];
  let done = 0;
  let failure: Failure | undefined;
  for (const id of ids) {
    try {
      const { row, ok } = await act(id);
      rows.push(row);
      if (ok) done++;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failure ??= error;
      const members = { asked: id, ...error.members };
      session.terminal.err(session.output === "table" ? `${ids.length > 1 ? `${id}: ` : ""}${error.message}\n` : `${JSON.stringify(members)}\n`);
      if (error.exitCode === exit.unreachable) break;
    }
  }
  if (rows.length > 0)
    printList(session.terminal, session, { reply: rows.length === 1 ? rows[0] : rows, rows, columns: shown, id: ({ asked }) => asked, empty: "" });
  if (done === ids.length) return exit.ok;
  return done > 0 ? exit.partly : (failure?.exitCode ?? exit.failed);
}
