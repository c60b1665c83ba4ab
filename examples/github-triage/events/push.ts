import { defineEvent, defineUpcasters } from "reprise";
import { z } from "zod";
import type { Release } from "../recordings.ts";
import { fromGithubCom, fromServer, repositoryToGithubCom } from "./parts.ts";

const person = z.looseObject({ name: z.string(), email: z.string() });

const commit = z.looseObject({ id: z.string(), message: z.string(), timestamp: z.string(), author: person, committer: person });

/** GHES 3.1, 3.2: only the deletion of a reference was recorded, so there is no head commit. */
const v1 = z.looseObject({
  ...fromServer,
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  created: z.boolean(),
  deleted: z.literal(true),
  forced: z.boolean(),
  commits: z.array(commit),
  head_commit: z.null(),
  pusher: person,
});

/** GHES 3.3 to 3.5: a reference may come into being, with its head commit. */
const v2 = v1.extend({ deleted: z.boolean(), head_commit: commit.nullable() });

/** github.com: no enterprise; repositories tell more. */
const v3 = z.looseObject({ ...v2.shape, ...fromGithubCom });

export const push = defineEvent("github.push", { 1: v1, 2: v2, 3: v3 });

export const pushVersions: Record<Release, 1 | 2 | 3> = { "ghes-31": 1, "ghes-32": 1, "ghes-33": 2, "ghes-34": 2, "ghes-35": 2, "api.github.com": 3 };

export const pushUpcasters = defineUpcasters(push, {
  /** A deleted reference has no head commit in v2 either: only what may be sent grew. */
  1: (old) => old,
  /** Servers told no organization: null. */
  2: (old) => ({ ...old, repository: repositoryToGithubCom(old.repository), organization: null }),
});
