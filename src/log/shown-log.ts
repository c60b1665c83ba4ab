/**
 * A log's name as it may be shown where it cannot be read: a mistyped connection string has its password anywhere. Only a name without `:` and `@` is shown
 * whole, as a folder whose `sqlite:` was left out; of others what stands before the first colon, if that may be a scheme.
 */
export function shownLog(name: string): string {
  if (!/[:@?]/.test(name)) return name;
  return `${/^([a-z][a-z+]{0,19}):/i.exec(name)?.[1]?.concat(":") ?? ""}…`;
}
