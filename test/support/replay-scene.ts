/** A store with one handler of the test's own, dead letters in it, and a record of every call, for tests of replays. */
import { z } from "zod";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import type { OpenOptions } from "../../src/compose.ts";
import { type Config, defineConfig } from "../../src/config/config.ts";
import { defineHandler, type HandlerOptions } from "../../src/delivery/handler.ts";
import type { HandlerContext } from "../../src/delivery/handler-context.ts";
import type { CurrentEvent } from "../../src/event/event.ts";
import type { ReplayTerms } from "../../src/records/replay.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { ReplayState } from "../../src/store/replay-answers.ts";
import type { Store } from "../../src/store/store.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { handlerView, logHead, startStore } from "./test-store.ts";

/** One call of a handler, in the order in which they began. */
export interface Seen {
  readonly handler: string;
  /** Entity's id. */
  readonly entity: string;
  readonly revision: number;
  readonly id: string;
  readonly data: unknown;
  readonly attempt: number;
  readonly deliveryId: string;
  readonly replay: HandlerContext["replay"];
  /** performance.now() */
  readonly startedMs: number;
  endedMs: number | null;
  failed: boolean;
}

export interface SceneOptions extends Partial<Omit<HandlerOptions, "name">> {
  /** Throws, or takes its time. */
  readonly work?: (call: Seen) => Promise<void> | void;
  readonly dryRun?: boolean;
  /** A second handler beside `main`, which takes the same types and begins with nothing. */
  readonly sandbox?: boolean;
  readonly folder?: string;
  readonly open?: Omit<OpenOptions, "log">;
  readonly limits?: Config["limits"];
  readonly upcast?: (data: { readonly n: number }) => { readonly n: number; readonly label: string };
}

export interface Scene {
  readonly store: Store;
  readonly folder: string;
  readonly seen: Seen[];
  /** Calls of a replay. */
  readonly replayed: (replayId: string) => readonly Seen[];
  readonly append: (...events: readonly (readonly [entity: string, data?: object, version?: number])[]) => Promise<void>;
  readonly quiet: (figures: object) => Promise<void>;
}

export const runTerms: ReplayTerms = { mode: "run", ratePerSecond: null, effects: "once", canary: null, stopWhen: null };

export async function openScene(options: SceneOptions = {}): Promise<Scene> {
  const { work = () => {}, dryRun, sandbox = false, folder = temporaryFolder(), open = {}, limits, upcast, ...handler } = options;
  const seen: Seen[] = [];
  const happened = defineEvent("thing.happened", { 1: z.object({ n: z.number() }), 2: z.object({ n: z.number(), label: z.string() }) });
  const handle = (name: string) => async (event: CurrentEvent, context: HandlerContext) => {
    const { attempt, deliveryId, replay } = context;
    const { id, revision, data } = event;
    const call: Seen = {
      ...{ handler: name, entity: event.entity.id, revision, id, data, attempt, deliveryId, replay },
      startedMs: performance.now(),
      endedMs: null,
      failed: false,
    };
    seen.push(call);
    try {
      await work(call);
    } catch (error) {
      call.failed = true;
      throw error;
    } finally {
      call.endedMs = performance.now();
    }
  };
  const config: Config = defineConfig({
    ...(limits === undefined ? {} : { limits }),
    events: [happened],
    upcasters: [defineUpcasters(happened, { 1: upcast ?? ((data) => ({ n: data.n, label: `thing ${data.n}` })) })],
    handlers: [
      defineHandler({
        ...{ retry: { maxAttempts: 1 } },
        ...handler,
        name: "main",
        ...(dryRun === undefined ? {} : { dryRun }),
        on: { "thing.happened": handle("main") },
      }),
      ...(sandbox ? [defineHandler({ name: "sandbox", startFrom: "now", retry: { maxAttempts: 1 }, on: { "thing.happened": handle("sandbox") } })] : []),
    ],
  });
  const store = await startStore(config, folder, open);
  return {
    store,
    folder,
    seen,
    replayed: (replayId) => seen.filter(({ replay }) => replay?.id === replayId),
    async append(...events) {
      const inputs = events.map(
        ([id, data = { n: 1 }, schemaVersion = 1]): EventInput => ({
          type: "thing.happened",
          entity: { type: "thing", id },
          data: data as never,
          schemaVersion,
        }),
      );
      for (let from = 0; from < inputs.length; from += 1000) await store.append(inputs.slice(from, from + 1000));
    },
    quiet: async (figures) => {
      await store.views.waitFor(logHead(folder), 30_000); // views that are behind know of no handler, and of less that waits
      await until(
        async () => matches(await handlerView(store, "main"), figures),
        () => handlerView(store, "main"),
      );
    },
  };
}

/** The replay's report, once it has this status. */
export async function replayWith(store: Store, replayId: string, ...statuses: readonly ReplayState["status"][]): Promise<ReplayState> {
  let state: ReplayState | undefined;
  await until(
    async () => {
      state = await store.replayState(replayId);
      return state !== undefined && statuses.includes(state.status);
    },
    async () => state,
  );
  return state!;
}

/** Polls for what other threads and timers bring about. @throws after half a minute, with what there was instead. */
export async function until(is: () => Promise<boolean> | boolean, what: () => Promise<unknown> = async () => "it"): Promise<void> {
  for (const endMs = performance.now() + 30_000; performance.now() < endMs; ) {
    if (await is()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`In vain waited for it; there is ${JSON.stringify(await what(), (_key, value) => (typeof value === "bigint" ? String(value) : value))}`);
}

function matches(actual: object, wanted: object): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    const is = (actual as Record<string, unknown>)[name];
    return typeof value === "object" && value !== null ? typeof is === "object" && is !== null && matches(is, value as object) : is === value;
  });
}

/** Never two at once in one lane, and each delivery begins after the one before it has ended. */
export function overlaps(seen: readonly Seen[]): readonly string[] {
  return [...Map.groupBy(seen, ({ handler, entity }) => `${handler} ${entity}`)].flatMap(([lane, calls]) =>
    calls.flatMap((call, index) => {
      const before = calls[index - 1];
      return before !== undefined && (before.endedMs === null || before.endedMs > call.startedMs) ? [`${lane}: ${before.revision} and ${call.revision}`] : [];
    }),
  );
}
