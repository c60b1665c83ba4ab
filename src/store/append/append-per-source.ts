import { isRepriseError } from "../../errors.ts";
import { eachEvent } from "../../log/each-event.ts";
import type { EventLog } from "../../log/event-log.ts";
import { callerOf } from "../caller.ts";
import type { AppendInputs } from "./append.ts";
import type { AppendOptions, EventInput } from "./event-input.ts";

type Log = Pick<EventLog, "findByIds">;

/**
 * Ids of CloudEvents are unique per source, those of the log per tenant: an event whose id another source has used is appended as `options.perSource`, under
 * an id of its own. Repeating the append finds the same event again.
 */
export function makePerSource(append: AppendInputs, log: Log): AppendInputs {
  return (input, options = {}) => (options.perSource === undefined ? append(input, options) : appendPerSource(input, options, options.perSource));

  async function appendPerSource(
    input: EventInput | readonly EventInput[],
    { perSource: _, ...others }: AppendOptions,
    perSource: NonNullable<AppendOptions["perSource"]>,
  ) {
    if ("entity" in input) return Array.isArray(perSource) ? append(input, others) : appendOne(append, log, input, perSource as EventInput, others);
    return append(await ofTheirOwn(log, input, [perSource].flat(), callerOf(others).tenant), others);
  }
}

/** Asks the log only where an append found its id in use, so that it costs nothing else. */
async function appendOne(append: AppendInputs, log: Log, input: EventInput, perSource: EventInput, options: AppendOptions) {
  const { id, source = null } = input;
  const isOfAnother = async (): Promise<boolean> => {
    if (id === undefined) return false;
    const [stored] = await log.findByIds(callerOf(options).tenant, [id.toLowerCase()]);
    return stored !== undefined && stored.source !== source;
  };
  try {
    const appended = await append(input, options);
    if (!appended[0]!.duplicate || !(await isOfAnother())) return appended;
  } catch (error) {
    if (!isRepriseError(error, "EVENT_ID_REUSED") || !(await isOfAnother())) throw error;
  }
  return append(perSource, options);
}

/** The same for several, asked before: an append of which one event is another source's stores the others, so that afterwards is too late. */
async function ofTheirOwn(
  log: Log,
  inputs: readonly EventInput[],
  perSource: readonly (EventInput | undefined)[],
  tenant: string,
): Promise<readonly EventInput[]> {
  const rows = inputs.flatMap(({ id, source = null }, index) =>
    id === undefined || perSource[index] === undefined ? [] : [{ index, id: id.toLowerCase(), source }],
  );
  const sources = new Map<string, string | null>();
  const others = new Set<number>();
  for await (const { row, event } of eachEvent(log, tenant, rows, ({ id }) => id)) {
    // Of those that no log holds, the first in the request has the id.
    const owner = event === undefined ? (sources.get(row.id) ?? row.source) : event.source;
    sources.set(row.id, owner);
    if (owner !== row.source) others.add(row.index);
  }
  return inputs.map((input, index) => (others.has(index) ? perSource[index]! : input));
}
