import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Json } from "reprise";

/** Where deliveries were recorded, oldest schema first: five releases of GitHub Enterprise Server, then github.com. */
export const releases = ["ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35", "api.github.com"] as const;
export type Release = (typeof releases)[number];

/** One recorded webhook delivery, exactly as GitHub sent it. */
export interface Recording {
  readonly release: Release;
  /** GitHub's name, as in the header `X-GitHub-Event`: `issues`. */
  readonly name: string;
  /** Place among the recordings of that release and name, from 0. */
  readonly index: number;
  readonly payload: { readonly [key: string]: Json };
}

const require = createRequire(import.meta.url);

const files: Record<Release, string> = {
  "ghes-31": require.resolve("@octokit/webhooks-examples/ghes-31/index.json"),
  "ghes-32": require.resolve("@octokit/webhooks-examples/ghes-32/index.json"),
  "ghes-33": require.resolve("@octokit/webhooks-examples/ghes-33/index.json"),
  "ghes-34": require.resolve("@octokit/webhooks-examples/ghes-34/index.json"),
  "ghes-35": require.resolve("@octokit/webhooks-examples/ghes-35/index.json"),
  "api.github.com": require.resolve("@octokit/webhooks-examples/api.github.com/index.json"),
};

/** All recordings of the package, oldest release first, then in the package's order; read anew at each call (9 MB). */
export function readRecordings(): readonly Recording[] {
  return releases.flatMap((release) => {
    const types = JSON.parse(readFileSync(files[release], "utf8")) as readonly { readonly name: string; readonly examples: readonly Recording["payload"][] }[];
    return types.flatMap(({ name, examples }) => examples.map((payload, index) => ({ release, name, index, payload })));
  });
}
