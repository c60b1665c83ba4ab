/** What a reader of the log is told, without HTTP. */
import { onTestFinished } from "vitest";
import { place } from "../../src/http/wire/stream.ts";
import type { Told } from "../../src/store/following/told.ts";
import { troubledStatuses, type Wanted } from "../../src/store/following/wanted.ts";
import type { Store } from "../../src/store/store.ts";

export interface Followed {
  /** `<id> <what>`, in order. */
  readonly told: readonly string[];
  stop(): void;
}

export const everything: Wanted = { tenant: "*", events: true, statuses: new Set([...troubledStatuses, "completed"]) };

function textOf(told: Told): string {
  if (told.kind === "event") return `${told.tenant} ${told.entity.type}/${told.entity.id} ${told.event.revision} ${told.type}`;
  return `${told.tenant} ${told.entity.type}/${told.entity.id} ${told.revision} ${told.handler} ${told.status}`;
}

/** @param after an id; "0": from the beginning. */
export async function followFrom(store: Store, after: string, wanted: Wanted = everything): Promise<Followed> {
  const told: string[] = [];
  const left = new AbortController();
  onTestFinished(() => left.abort());
  await store.following.follow({
    wanted,
    from: place.parse(after),
    signal: left.signal,
    encode: (each) => Buffer.from(textOf(each)),
    sink: { send: (message, id) => told.push(`${id} ${Buffer.from(message)}`) > 0, onDrained() {} },
  });
  return { told, stop: () => left.abort() };
}

export const idOf = (told: string): string => told.slice(0, told.indexOf(" "));
export const textAfterId = (told: string): string => told.slice(told.indexOf(" ") + 1);
