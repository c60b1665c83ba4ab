import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Config, defineConfig, defineEvent, defineHandler, defineUpcasters } from "reprise";
import { onTestFinished } from "vitest";
import { z } from "zod";
import type { StoredEvent } from "../../src/event/event.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openLog } from "../../src/log/open-log.ts";
import type { Archive } from "../../src/retention/archive/archive.ts";
import { openArchive } from "../../src/retention/archive/open-archive.ts";
import type { Store } from "../../src/store/store.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { startStore } from "./test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ total: z.number() }), 2: z.object({ totalCents: z.int() }) });
const placedSteps = defineUpcasters(placed, { 1: ({ total }) => ({ totalCents: Math.round(total * 100) }) });

/** A call of a handler, as it was made. */
export interface SceneCall {
  readonly handler: string;
  readonly id: string;
  readonly entity: string;
  readonly revision: number;
  readonly data: unknown;
  readonly replay: boolean;
}

export interface ArchiveScene {
  readonly log: string;
  readonly folder: string;
  readonly archiveFolder: string;
  readonly calls: SceneCall[];
  config(handlers?: readonly string[]): Config;
  start(handlers?: readonly string[]): Promise<Store>;
  /** Archives what the streams have below these revisions, removes it from the log, and lets the views forget it. The store must be closed. */
  archive(before: Readonly<Record<string, number>>): Promise<void>;
  openLog(): Promise<EventLog>;
  openArchive(logId: string): Promise<Archive>;
}

/** Orders whose first version is stored, in an embedded log with an archive beside it. */
export function makeArchiveScene(log?: string): ArchiveScene {
  const folder = temporaryFolder();
  const archiveFolder = join(temporaryFolder(), "archive");
  const calls: SceneCall[] = [];
  const url = log ?? `sqlite:${folder}`;
  const open = async (): Promise<EventLog> => {
    const opened = await openLog(url);
    onTestFinished(() => opened.close());
    return opened;
  };
  const scene: ArchiveScene = {
    ...{ log: url, folder, archiveFolder, calls, openLog: open },
    config: (handlers = ["ledger"]) =>
      defineConfig({
        events: [placed],
        upcasters: [placedSteps],
        retention: { order: { afterDays: 30, archive: `file:${archiveFolder}` } },
        handlers: handlers.map((name) =>
          defineHandler({
            ...{ name, events: [placed], startFrom: "beginning" as const },
            on: {
              "order.placed": async ({ id, entity, revision, data }, { replay }) =>
                void calls.push({ handler: name, id, entity: entity.id, revision, data, replay: replay !== null }),
            },
          }),
        ),
      }),
    start: (handlers) => startStore(scene.config(handlers), { log: url, data: folder }),
    async archive(before) {
      const opened = await open();
      const archive = await scene.openArchive(opened.logId);
      const wanted = ({ stream, revision }: StoredEvent): boolean => revision < (before[stream] ?? 0);
      async function* leaving(): AsyncGenerator<readonly StoredEvent[], void> {
        for await (const batch of opened.readAll()) yield batch.filter(wanted);
      }
      for await (const _ of archive.write(leaving())) void _;
      for (const [stream, revision] of Object.entries(before)) await opened.truncate(stream, revision);
      await opened.close();
      for (const name of ["views.db", "views.db-wal", "views.db-shm"]) rmSync(join(folder, name), { force: true });
    },
    openArchive: (logId) => openArchive(`file:${archiveFolder}`, logId),
  };
  return scene;
}

/** Places orders one after another, round by round; of the first version. */
export async function placeOrders(store: Store, ids: readonly string[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++)
    for (const id of ids) await store.append({ type: "order.placed", schemaVersion: 1, entity: { type: "order", id }, data: { total: round + 0.5 } });
}
