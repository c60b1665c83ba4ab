/** The first thread's side of a second one. */
import { isThere, type SmallThread, startSmallThread } from "../../log/small-thread.ts";
import type { FromThread, ThreadBegins, ToThread } from "./messages.ts";

const program = new URL("./thread.ts", import.meta.url);

export const threadsExist = (): boolean => isThere(program);

export type RowThread = SmallThread<ToThread>;

/** @param ended told when it ends before it was stopped. */
export function startThread(begins: ThreadBegins, take: (message: FromThread) => void, ended: (error: Error) => void): RowThread {
  const transferList = begins.log?.work ? [begins.log.work] : [];
  return startSmallThread<ToThread, FromThread>(program, { begins, transferList, stop: { is: "stop" }, take, ended });
}
