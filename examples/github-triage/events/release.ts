import { defineEvent, defineUpcasters } from "reprise";
import { z } from "zod";
import type { Release } from "../recordings.ts";
import { account, changedText, fromGithubCom, fromServer, reactions, repositoryToGithubCom } from "./parts.ts";

const releaseOnServer = z.looseObject({
  id: z.int(),
  tag_name: z.string(),
  name: z.null(),
  body: z.null(),
  html_url: z.string(),
  draft: z.boolean(),
  prerelease: z.boolean(),
  author: account,
});

/** GHES 3.1 to 3.5: recorded without a title and a text. */
const v1 = z.looseObject({ ...fromServer, action: z.string(), release: releaseOnServer });

/** github.com: no enterprise; repositories tell more; title, text, discussion, reactions, and what an edit changed. */
const v2 = z.looseObject({
  ...fromGithubCom,
  action: z.string(),
  release: releaseOnServer.extend({
    name: z.string().nullable(),
    body: z.string().nullable(),
    discussion_url: z.string().nullable().default(null),
    reactions: reactions.nullable().default(null),
  }),
  changes: z.looseObject({ name: changedText.optional(), body: changedText.optional() }).nullable().default(null),
});

export const release = defineEvent("github.release", { 1: v1, 2: v2 });

export const releaseVersions: Record<Release, 1 | 2> = { "ghes-31": 1, "ghes-32": 1, "ghes-33": 1, "ghes-34": 1, "ghes-35": 1, "api.github.com": 2 };

export const releaseUpcasters = defineUpcasters(release, {
  /** A missing title stays null (the tag is not the title); discussion, reactions, changes and organization no server told: null. */
  1: (old) => ({
    ...old,
    repository: repositoryToGithubCom(old.repository),
    release: { ...old.release, discussion_url: null, reactions: null },
    organization: null,
    changes: null,
  }),
});
