import type { Dispatcher } from "../dispatcher/dispatcher.ts";
import { type OpenDispatcherOptions, openDispatcher } from "../dispatcher/open-dispatcher.ts";
import type { HandlerRecord } from "../journal/handler-stream.ts";
import { inAgreement } from "./in-agreement.ts";

/** Claims one partition's journal, and records what has changed of its handler. @throws FENCED, JOURNAL_DAMAGED, LOG_UNAVAILABLE, … */
export function claimPartition(options: OpenDispatcherOptions, configure: () => Promise<HandlerRecord>): Promise<Dispatcher> {
  return inAgreement(async () => {
    const record = await configure();
    const dispatcher = await openDispatcher(options, record);
    try {
      await record.record();
    } catch (error) {
      await dispatcher.stop(0);
      throw error;
    }
    return dispatcher;
  });
}
