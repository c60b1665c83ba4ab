import { readFileSync } from "node:fs";

/** The zod that this copy of Reprise has, as a project asks for it: the same major version. */
export function zodRange(): string {
  const { dependencies } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { dependencies: { zod: string } };
  return `^${dependencies.zod}`;
}
