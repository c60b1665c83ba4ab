import type { Life } from "./crash-checker.ts";
import { takeRecord } from "./crash-journal.ts";
import { type Service, type Site, startService } from "./crash-service.ts";

/** One service after another over the same data. Each is told its number as CRASH_LIFE, and what was on record at its end is kept. */
export class Lives {
  readonly site: Site;
  readonly #handlers: readonly string[];
  readonly #ended: Promise<Life>[] = [];
  #service: Service | null = null;

  constructor(site: Site, handlers: readonly string[]) {
    this.site = site;
    this.#handlers = handlers;
  }

  get service(): Service {
    if (this.#service === null) throw new Error("No service is there.");
    return this.#service;
  }

  start(): void {
    this.#service = startService(this.site, { CRASH_LIFE: String(this.#ended.length) });
  }

  /** @throws with what it said on standard error when it ended before it listened. */
  async url(): Promise<string> {
    const url = await this.service.listening;
    if (url === null) throw new Error(`The service ended before it listened:\n${this.service.stderr()}`);
    return url;
  }

  /** Also when it was killed already. What it had on record is copied when this returns; the next one may start. */
  async kill(): Promise<void> {
    const { service } = this;
    const killedMs = performance.now();
    service.send("SIGKILL");
    await service.ended;
    await this.#keep(killedMs);
  }

  /** Waits for a clean end. */
  async stop(): Promise<{ readonly code: number | null; readonly tookMs: number }> {
    const { service } = this;
    const startedMs = performance.now();
    service.send("SIGTERM");
    const { code } = await service.ended;
    const tookMs = performance.now() - startedMs;
    await this.#keep(null);
    return { code, tookMs };
  }

  async ended(): Promise<readonly Life[]> {
    return Promise.all(this.#ended);
  }

  async #keep(killedMs: number | null): Promise<void> {
    const read = await takeRecord(this.site, this.#handlers);
    this.#ended.push(read().then((recorded) => ({ killedMs, recorded })));
    this.#service = null;
  }
}
