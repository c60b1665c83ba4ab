export const lockIt = "run `reprise schema lock` and commit the lock file with the change";

/** Where each version and each step has a file, as in this repository; a config may as well hold all of them itself. */
export const filed = (path: string): string => `where each has a file: ${path}`;

export const schemaFile = (type: string, version: number): string => `schemas/${type}/v${version}.ts`;

export const stepFile = (type: string, from: number): string => `upcasters/${type}/v${from}-to-v${from + 1}.ts`;

/** Beside the lock, wherever that is: `schemas/` of a repository that is laid out like this one. */
export const samplesFolder = (type: string, version: number): string => `the folder ${type}/samples/v${version} beside the lock file`;

export const rewrite = (type: string | null, version: number | null): string =>
  `\`reprise schema lock --rewrite ${type}${version === null ? "" : `@${version}`}\``;
