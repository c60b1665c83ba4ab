/** The files that only list others. Whoever adds something makes them anew, as long as nobody has written into them by hand. */
import { identifierOf } from "./names.ts";

/** An event type of a project, with its versions: 1, 2, … without gaps. */
export interface ProjectType {
  readonly type: string;
  readonly versions: number;
}

export const schemaFile = (type: string, version: number): string => `schemas/${type}/v${version}.ts`;
export const stepFile = (type: string, from: number): string => `upcasters/${type}/v${from}-to-v${from + 1}.ts`;
export const stepName = (from: number): string => `v${from}ToV${from + 1}`;

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

/** All index files that a project with these types has, by path. */
export function indexesOf(types: readonly ProjectType[]): Readonly<Record<string, string>> {
  const sorted = types.toSorted((a, b) => (a.type < b.type ? -1 : 1));
  const lifted = sorted.filter(({ versions }) => versions > 1);
  return {
    "schemas/index.ts": listOf(sorted, { list: "events", suffix: "", about: "All event types.", end: " as const" }),
    "upcasters/index.ts": listOf(lifted, {
      list: "upcasters",
      suffix: "Upcasters",
      about: "One chain for each event type that has more than one version.",
      end: "",
    }),
    ...Object.fromEntries(sorted.map((one) => [`schemas/${one.type}/index.ts`, schemaIndex(one)])),
    ...Object.fromEntries(lifted.map((one) => [`upcasters/${one.type}/index.ts`, upcasterIndex(one)])),
  };
}

function listOf(
  types: readonly ProjectType[],
  { list, suffix, about, end }: { readonly list: string; readonly suffix: string; readonly about: string; readonly end: string },
): string {
  const names = types.map(({ type }) => `${identifierOf(type)}${suffix}`);
  const imports = types.map(({ type }, index) => `import { ${names[index]} } from "./${type}/index.ts";\n`).join("");
  return `${imports}${imports === "" ? "" : "\n"}/** ${about} */\nexport const ${list} = [${names.join(", ")}]${end};\n`;
}

function schemaIndex({ type, versions }: ProjectType): string {
  const imports = upTo(versions).map((version) => `import { v${version} } from "./v${version}.ts";\n`);
  const list = upTo(versions).map((version) => `${version}: v${version}`);
  return `import { defineEvent } from "reprise";\n${imports.join("")}\nexport const ${identifierOf(type)} = defineEvent("${type}", { ${list.join(", ")} });\n`;
}

function upcasterIndex({ type, versions }: ProjectType): string {
  const steps = upTo(versions - 1);
  const name = identifierOf(type);
  const imports = steps.map((from) => `import { ${stepName(from)} } from "./v${from}-to-v${from + 1}.ts";\n`);
  const list = steps.map((from) => `${from}: ${stepName(from)}`);
  return `import { defineUpcasters } from "reprise";\nimport { ${name} } from "../../schemas/${type}/index.ts";\n${imports.join("")}\nexport const ${name}Upcasters = defineUpcasters(${name}, { ${list.join(", ")} });\n`;
}
