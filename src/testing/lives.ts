import type { Config } from "../config/config.ts";
import type { HandlerDefinition } from "../delivery/handler.ts";
import { type RunOptions, runStore, type StoreRun } from "./run-store.ts";

/** The lives of a store on one log, one after another. */
export interface Lives {
  readonly run: StoreRun;
  settled(): Promise<void>;
  /** @throws TypeError for a handler that the config does not have. */
  nameOf(handler: string | HandlerDefinition): string;
  restart(config?: Config): Promise<void>;
  close(): Promise<void>;
}

export async function openLives(config: Config, options: RunOptions): Promise<Lives> {
  let { log } = options;
  let current = config;
  let run = await runStore(config, options);
  return {
    get run() {
      return run;
    },
    settled: () => run.untilQuiet(),
    nameOf(handler) {
      const name = typeof handler === "string" ? handler : handler.name;
      if (!run.handlers.includes(name)) throw new TypeError(`The config has no handler ${name}. It has ${run.handlers.join(", ") || "none"}.`);
      return name;
    },
    async restart(next = current) {
      await run.close();
      log = log.reopen();
      run = await runStore(next, { ...options, log });
      current = next;
      await run.untilQuiet();
    },
    close: () => run.close(),
  };
}
