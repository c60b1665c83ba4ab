import { defineEvent, defineUpcasters } from "reprise";
import { z } from "zod";
import type { Release } from "../recordings.ts";
import { fromGithubCom, fromServer, repositoryToGithubCom } from "./parts.ts";

const appOnServer = z.looseObject({ id: z.int(), name: z.string(), html_url: z.string(), description: z.string() });
const app = appOnServer.extend({ description: z.string().nullable(), slug: z.string().nullable().default(null) });

const suiteOnServer = z.looseObject({ id: z.int(), head_branch: z.string(), head_sha: z.string(), conclusion: z.null(), app: appOnServer });

const outputOnServer = z.looseObject({ title: z.null(), summary: z.null(), text: z.null() });

const checkRunV1 = z.looseObject({
  id: z.int(),
  name: z.string(),
  head_sha: z.string(),
  status: z.enum(["queued", "in_progress", "completed"]),
  conclusion: z.null(),
  started_at: z.string(),
  completed_at: z.null(),
  output: outputOnServer,
  check_suite: suiteOnServer,
  app: appOnServer,
  pull_requests: z.array(z.looseObject({ number: z.int() })),
});

/** GHES 3.1 to 3.3: recorded when just created, so without a conclusion. */
const v1 = z.looseObject({ ...fromServer, action: z.string(), check_run: checkRunV1 });

/** GHES 3.4, 3.5: completed runs tell how and when they ended. */
const v2 = v1.extend({ check_run: checkRunV1.extend({ conclusion: z.string().nullable(), completed_at: z.string().nullable() }) });

const deployment = z.looseObject({ id: z.int(), environment: z.string() });

/** github.com: no enterprise; repositories, apps and outputs tell more; deployments, and the action that a person asked for. */
const v3 = z.looseObject({
  ...fromGithubCom,
  action: z.string(),
  check_run: v2.shape.check_run.extend({
    output: z.looseObject({ title: z.string().nullable(), summary: z.string().nullable(), text: z.string().nullable() }),
    check_suite: suiteOnServer.extend({ conclusion: z.string().nullable(), app, deployment: deployment.nullable().default(null) }),
    app,
    deployment: deployment.nullable().default(null),
  }),
  requested_action: z.looseObject({ identifier: z.string() }).nullable().default(null),
});

export const checkRun = defineEvent("github.check_run", { 1: v1, 2: v2, 3: v3 });

export const checkRunVersions: Record<Release, 1 | 2 | 3> = { "ghes-31": 1, "ghes-32": 1, "ghes-33": 1, "ghes-34": 2, "ghes-35": 2, "api.github.com": 3 };

export const checkRunUpcasters = defineUpcasters(checkRun, {
  /** A run without a conclusion is valid in v2: only what may be sent grew. */
  1: (old) => old,
  /** The slug is null, not taken from the app's address: recordings show the two to differ. Deployment, asked action and organization no server told: null. */
  2: (old) => ({
    ...old,
    repository: repositoryToGithubCom(old.repository),
    check_run: {
      ...old.check_run,
      check_suite: { ...old.check_run.check_suite, app: { ...old.check_run.check_suite.app, slug: null }, deployment: null },
      app: { ...old.check_run.app, slug: null },
      deployment: null,
    },
    organization: null,
    requested_action: null,
  }),
});
