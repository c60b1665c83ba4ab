import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished } from "vitest";
import { type OpenOptions, openStore } from "../../src/compose.ts";
import type { Config } from "../../src/config.ts";
import type { Store } from "../../src/store.ts";
import type { HandlerView } from "../../src/views/model.ts";

/** A started store over the embedded log in `folder`; closed when the test is over. */
export async function startStore(config: Config, folder: string, options: Omit<OpenOptions, "log"> = {}): Promise<Store> {
  const store = await openStore(config, { log: `sqlite:${folder}`, ...options });
  onTestFinished(() => store.close());
  await store.start();
  return store;
}

/** Position of the log's last event, read beside its owner. */
export function logHead(folder: string): bigint {
  const db = new DatabaseSync(`${folder}/log.db`, { readOnly: true });
  try {
    return BigInt((db.prepare("select max(position) as head from events").get() as { head: number }).head);
  } finally {
    db.close();
  }
}

export async function handlerView(store: Store, name: string): Promise<HandlerView> {
  const view = (await store.views.handlers()).find((handler) => handler.name === name);
  if (view === undefined) throw new Error(`handler ${name} is not known`);
  return view;
}

/** Waits until the views show these figures of the handler, and then for all that the log holds. */
export async function handlerShows(store: Store, folder: string, name: string, figures: object, timeoutMs = 30_000): Promise<void> {
  await expect.poll(() => handlerView(store, name), { timeout: timeoutMs, interval: 20 }).toMatchObject(figures);
  await store.views.waitFor(logHead(folder));
}
