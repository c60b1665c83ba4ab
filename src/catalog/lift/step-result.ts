/** The results that a step may return in place of the next version's data. */

/** Marks the values of `drop` and `split`, in every copy of this module: data may itself be an object or an array. */
export const lifted: unique symbol = Symbol.for("reprise.lifted");

export interface Dropped {
  readonly [lifted]: "dropped";
  readonly reason: string;
}

export interface Split<T extends string = string> {
  readonly [lifted]: "split";
  readonly parts: readonly Part<T>[];
}

/** One event that another was split into; `data` is of `schemaVersion`, as its schema takes it in. */
export interface Part<T extends string = string> {
  readonly type: T;
  readonly schemaVersion: number;
  readonly data: unknown;
}

/** Whether a step answered with `drop` or `split`. */
export function isNoData(result: unknown): result is Dropped | Split {
  return typeof result === "object" && result !== null && (result as { readonly [lifted]?: unknown })[lifted] !== undefined;
}

export function isDropped(result: unknown): result is Dropped {
  return isNoData(result) && result[lifted] === "dropped";
}

export function isSplit(result: unknown): result is Split {
  return isNoData(result) && result[lifted] === "split";
}
