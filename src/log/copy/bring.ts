import { asCopied } from "./copied.ts";
import { type CopyOptions, CopyRefused, progressEvery } from "./copy-options.ts";
import type { CopyScratch } from "./copy-scratch.ts";
import { makeOutbox } from "./outbox.ts";
import { isCopied, only, walk } from "./what-is-copied.ts";

/** Brings the target up to the source. */
export async function bring(options: CopyOptions, scratch: CopyScratch, total: number): Promise<{ copied: number; present: number }> {
  const { target, signal, onProgress } = options;
  const outbox = makeOutbox(options, scratch);
  const held = only(walk(target), (event) => isCopied(event));
  let next = await held.next();
  let present = 0;
  let passed = 0;
  for await (const one of asCopied(options, scratch, () => outbox.settle())) {
    if (signal.aborted) break;
    if (next.done === true) await outbox.add(one);
    else {
      const stored = next.value;
      if (stored.id !== one.event.id || stored.stream !== one.stream || stored.revision !== one.revision || stored.type !== one.event.type)
        throw new CopyRefused(
          `The target is no copy of this source${present > 0 ? ` beyond its first ${present} events` : ""}: it has "${stored.type}" in ${stored.stream} at revision ${stored.revision} where "${one.event.type}" in ${one.stream} at revision ${one.revision} should be.`,
        );
      if (!one.isOwn) scratch.pair(one.position, stored.position);
      present++;
      next = await held.next();
    }
    if (++passed % progressEvery === 0) onProgress({ phase: "copying", events: passed, total });
  }
  await outbox.flush();
  if (next.done !== true && !signal.aborted)
    throw new CopyRefused(
      `The target holds more than the source: after all ${present} events of the source it has "${next.value.type}" in ${next.value.stream} at revision ${next.value.revision}. Was it in service already?`,
    );
  await held.return(undefined);
  return { copied: outbox.stored(), present };
}
