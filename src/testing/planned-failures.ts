import type { Config } from "../config/config.ts";
import type { AnyHandle, HandlerDefinition } from "../delivery/handler.ts";

/** What the next calls of handlers end with, in place of what the handlers would do. */
export class PlannedFailures {
  readonly #planned = new Map<string, { readonly error: unknown; left: number }[]>();

  plan(handler: string, error: unknown, times: number): void {
    if (!Number.isInteger(times) || times < 1) throw new TypeError(`failNext takes how many calls fail, a whole number from 1, not ${times}.`);
    const planned = this.#planned.get(handler) ?? [];
    this.#planned.set(handler, planned);
    planned.push({ error, left: times });
  }

  /** @returns what the call that begins now ends with; null: it goes as it goes. */
  take(handler: string): { readonly error: unknown } | null {
    const planned = this.#planned.get(handler);
    const next = planned?.[0];
    if (next === undefined) return null;
    if (--next.left === 0) planned!.shift();
    return next;
  }

  /** The config with its functions behind the plan. */
  in(config: Config): Config {
    const { handlers } = config;
    return Array.isArray(handlers) ? { ...config, handlers: handlers.map((handler: HandlerDefinition) => this.#behind(handler)) } : config;
  }

  #behind(handler: HandlerDefinition): HandlerDefinition {
    if (handler?.kind !== "function" || typeof handler.on !== "object" || handler.on === null) return handler; // a wrong one is refused in the config's words
    const on = Object.entries(handler.on).map(([type, handle]): [string, AnyHandle] => [
      type,
      typeof handle === "function" ? this.#guard(handler.name, handle) : handle,
    ]);
    return { ...handler, on: Object.fromEntries(on) };
  }

  #guard(name: string, handle: AnyHandle): AnyHandle {
    return (event, context) => {
      const planned = this.take(name);
      if (planned !== null) throw planned.error;
      return handle(event, context);
    };
  }
}
