/** Texts of values that came as JSON and that nothing has changed since. */
const texts = new WeakMap<object, string>();

/** Keeps how `JSON.stringify` writes a value, for who will write it. */
export function keepWritten(value: object, text: string): void {
  texts.set(value, text);
}

/** As `JSON.stringify` writes it. What was kept is given once: it would else live as long as the value seems to. */
export function writeJson(value: unknown): string {
  const kept = typeof value === "object" && value !== null ? texts.get(value) : undefined;
  if (kept === undefined) return JSON.stringify(value);
  texts.delete(value as object);
  return kept;
}
