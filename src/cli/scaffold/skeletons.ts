/** Files that somebody has to write on in: each fails as it is loaded until then, so that none is deployed as it is. */
import { schemaFile, stepFile, stepName } from "./indexes.ts";
import { identifierOf } from "./names.ts";

/** Nobody has written on in it yet. */
export const isSkeleton = (text: string): boolean => /^throw new Error\(.*and delete this line/m.test(text);

const refusal = (path: string, what: string): string => `\nthrow new Error("${path}: ${what}, and delete this line.");\n`;

export function newSchema(type: string): string {
  return `import { z } from "zod";

/** v1: what this event says, and who appends it. */
export const v1 = z.object({});
${refusal(schemaFile(type, 1), "write what the data is")}`;
}

/** The schema of the version before under the next one's name: it is changed from there. */
export function nextSchema(before: string, version: number): string {
  const next = version + 1;
  const renamed = before.replaceAll(new RegExp(`\\bv${version}\\b(?!\\.ts)`, "g"), `v${next}`);
  return renamed.replace(/^\/\*\*[\s\S]*?\*\/$/m, `/** v${next}: say what has changed since version ${version}, and why. */`);
}

export function newStep(type: string, from: number): string {
  const name = identifierOf(type);
  return `import type { Upcaster } from "reprise";
import type { ${name} } from "../../schemas/${type}/index.ts";

/** Say how version ${from} becomes version ${from + 1}, and what is taken for granted of old data. */
export const ${stepName(from)}: Upcaster<typeof ${name}, ${from}> = (old) => ({ ...old });
${refusal(stepFile(type, from), "write the step")}`;
}
