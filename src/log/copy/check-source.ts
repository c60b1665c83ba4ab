import { ownTenant } from "../../event/names.ts";
import { readAbridged } from "../abridged/abridgement.ts";
import { type CopyOptions, CopyRefused, progressEvery } from "./copy-options.ts";
import { checkOwnEvent } from "./copy-own-events.ts";
import type { CopyScratch } from "./copy-scratch.ts";
import { isCopied, isLogsOwn, walkWhole } from "./what-is-copied.ts";

/** Reads the source to its end before anything is stored, so that events that cannot be copied are found now. */
export async function check({ source, tenant, signal, onProgress }: CopyOptions, scratch: CopyScratch): Promise<{ total: number; passedOver: number }> {
  const shortened = await readAbridged(source);
  let total = 0;
  let passedOver = 0;
  for await (const event of walkWhole(source)) {
    if (signal.aborted) break;
    if (!isCopied(event, tenant)) {
      if (!isCopied(event) && !isLogsOwn(event.stream)) passedOver++;
      continue;
    }
    if (event.tenant === ownTenant) checkOwnEvent(event);
    const wanted = scratch.nextRevision(event.stream);
    if (event.revision !== wanted && !shortened.has(event.stream))
      throw new CopyRefused(
        `${event.stream} has no event at revision ${wanted} (the next one is ${event.revision}): it was truncated, its events have expired, or another program wrote there what cannot be read. A log gives out revisions in order, so they could not be kept.`,
      );
    if (++total % progressEvery === 0) onProgress({ phase: "checking", events: total, total: null });
  }
  return { total, passedOver };
}
