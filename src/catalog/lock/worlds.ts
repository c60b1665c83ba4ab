/** Runs a user's code under another clock, zone, locale, environment and chance, to see whether they change its result. */
import { createRequire, syncBuiltinESMExports } from "node:module";

/** What may differ between two machines, or two days. */
export interface World {
  readonly clock: number;
  readonly zone: string;
  readonly locale: string;
  /** Value of every variable of the environment; null where none is set. */
  readonly variable: string | null;
  /** What `Math.random()` gives, from 0 up to 1. */
  readonly chance: number;
}

export const home: World = { clock: Date.UTC(2001, 0, 1, 0, 30), zone: "UTC", locale: "en-US", variable: null, chance: 0.1 };
/** Each world differs in one thing. The years lie far apart, so that most limits fall between them. The other zone puts the time into another day and year. */
export const elsewhere: readonly (readonly [what: string, world: World])[] = [
  ["another clock", { ...home, clock: Date.UTC(9998, 6, 15, 13, 47, 11, 123) }],
  ["another zone", { ...home, zone: "America/Los_Angeles" }],
  ["another locale", { ...home, locale: "tr-TR" }],
  ["another environment", { ...home, variable: "7" }],
  ["another chance", { ...home, chance: 0.9 }],
];

const intlNames = ["DateTimeFormat", "NumberFormat", "Collator", "PluralRules", "RelativeTimeFormat", "ListFormat", "Segmenter", "DisplayNames"] as const;
/** Methods that take a locale, and the index of that parameter. */
const localeMethods: readonly (readonly [object, string, number])[] = [
  [Number.prototype, "toLocaleString", 0],
  [BigInt.prototype, "toLocaleString", 0],
  [Date.prototype, "toLocaleString", 0],
  [Date.prototype, "toLocaleDateString", 0],
  [Date.prototype, "toLocaleTimeString", 0],
  [Array.prototype, "toLocaleString", 0],
  [String.prototype, "localeCompare", 1],
  [String.prototype, "toLocaleUpperCase", 0],
  [String.prototype, "toLocaleLowerCase", 0],
];

const crypto = createRequire(import.meta.url)("node:crypto") as Record<string, unknown>;
const perfHooks = createRequire(import.meta.url)("node:perf_hooks") as { readonly performance: Record<string, unknown> };

export interface Told<T> {
  readonly result: T;
  /** What the code asked for: the clock, chance. */
  readonly asked: ReadonlySet<string>;
}

/** Calls a synchronous `run` in that world. Everything is restored when it returns or throws. */
export function inWorld<T>(world: World, run: () => T): Told<T> {
  const undo: (() => void)[] = [];
  const asked = new Set<string>();
  const put = (holder: object, name: string, value: unknown): void => {
    const before = Object.getOwnPropertyDescriptor(holder, name);
    if (before?.configurable === false) return; // some of Node's cannot be replaced; `globalThis.crypto` can
    undo.push(() => (before === undefined ? delete (holder as Record<string, unknown>)[name] : Object.defineProperty(holder, name, before)));
    Object.defineProperty(holder, name, { value, writable: true, configurable: true, enumerable: before?.enumerable ?? true });
  };
  const { TZ: zone } = process.env;
  const environment = process.env;
  try {
    process.env.TZ = world.zone;
    put(process, "env", environmentOf(world));
    const told = <V>(what: string, value: V): V => {
      asked.add(what);
      return value;
    };
    const now = (): number => told("the clock", world.clock);
    put(globalThis, "Date", dateAt(now));
    put(perfHooks.performance, "now", () => now() % 1e9);
    const chance = (): number => told("chance", world.chance);
    put(Math, "random", chance);
    const fill = <A extends ArrayBufferView>(view: A): A => {
      new Uint8Array(view.buffer, view.byteOffset, view.byteLength).fill(Math.floor(chance() * 255));
      return view;
    };
    const uuid = (): string => `00000000-0000-4000-8000-00000000000${Math.floor(chance() * 10)}`;
    for (const holder of [crypto, globalThis.crypto]) put(holder, "randomUUID", uuid);
    put(globalThis.crypto, "getRandomValues", fill);
    put(crypto, "getRandomValues", fill);
    put(crypto, "randomBytes", (size: number) => fill(Buffer.alloc(size)));
    put(crypto, "randomFillSync", fill);
    put(crypto, "randomInt", (low: number, high?: number) => (high === undefined ? Math.floor(chance() * low) : low + Math.floor(chance() * (high - low))));
    putLocale(world.locale, put);
    syncBuiltinESMExports();
    return { result: run(), asked };
  } finally {
    for (const step of undo.reverse()) step();
    if (zone === undefined) delete environment.TZ;
    else environment.TZ = zone;
    syncBuiltinESMExports();
  }
}

function environmentOf({ variable, zone }: World): NodeJS.ProcessEnv {
  return new Proxy({} as NodeJS.ProcessEnv, {
    get: (_target, name) => (name === "TZ" ? zone : typeof name === "string" ? (variable ?? undefined) : undefined),
    has: (_target, name) => typeof name === "string" && (name === "TZ" || variable !== null),
    ownKeys: () => [],
  });
}

function dateAt(now: () => number): DateConstructor {
  const { Date: realDate } = globalThis;
  // Date reads generated texts such as "at-2" in the machine's own zone. Nobody sends such texts, so every world reads them alike.
  const parse = (text: string): number => {
    const utc = /^[+-]?\d{4}/.test(text) ? Number.NaN : realDate.parse(`${text} UTC`);
    return Number.isNaN(utc) ? realDate.parse(text) : utc;
  };
  const read = (given: readonly unknown[]): readonly unknown[] => {
    if (given.length === 0) return [now()];
    return given.length === 1 && typeof given[0] === "string" ? [parse(given[0])] : given;
  };
  const own: Readonly<Record<PropertyKey, unknown>> = { now, parse };
  return new Proxy(realDate, {
    construct: (target, given, self) => Reflect.construct(target, read(given), self) as object,
    apply: (target) => String(new target(now())),
    get: (target, name) => own[name] ?? (Reflect.get(target, name) as unknown),
  });
}

/** Uses the world's locale in place of the machine's when the code names none. */
function putLocale(locale: string, put: (holder: object, name: string, value: unknown) => void): void {
  for (const name of intlNames) {
    const withLocale = (given: readonly unknown[]): unknown[] => [given[0] ?? locale, ...given.slice(1)];
    put(
      Intl,
      name,
      new Proxy(Intl[name] as never, {
        construct: (target, given, self) => Reflect.construct(target, withLocale(given), self) as object,
        apply: (target, self, given) => Reflect.apply(target, self, withLocale(given)) as unknown,
      }),
    );
  }
  for (const [holder, name, place] of localeMethods) {
    const method = (holder as Readonly<Record<string, (...given: unknown[]) => unknown>>)[name]!;
    put(holder, name, function (this: unknown, ...given: unknown[]): unknown {
      given[place] ??= locale;
      return method.apply(this, given);
    });
  }
}
