/**
 * The part of a log's name that may be shown when the name cannot be parsed, because a mistyped connection string may have its password anywhere. A name
 * without `:` and `@`, such as a folder without its `sqlite:`, is shown whole. Otherwise only the part before the first colon is shown, if it may be a scheme.
 */
export function shownLog(name: string): string {
  if (!/[:@?]/.test(name)) return name;
  return `${/^([a-z][a-z+]{0,19}):/i.exec(name)?.[1]?.concat(":") ?? ""}…`;
}
