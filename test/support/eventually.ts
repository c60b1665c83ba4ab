import { vi } from "vitest";

/** Waits until `check` no longer throws: for as long as a test may take, since vitest's own second says how busy the machine is. @returns what `check` returns. */
export const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 25_000, interval: 5 });
