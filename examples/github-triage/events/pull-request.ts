import { defineEvent, defineUpcasters } from "reprise";
import { z } from "zod";
import type { Release } from "../recordings.ts";
import {
  account,
  fromGithubCom,
  fromServer,
  label,
  labelOnServer,
  labelToGithubCom,
  milestone,
  repository,
  repositoryOnServer,
  repositoryToGithubCom,
} from "./parts.ts";

const branchOnServer = z.looseObject({ ref: z.string(), sha: z.string(), repo: repositoryOnServer });
const branch = branchOnServer.extend({ repo: repository });

function branchToGithubCom(old: z.output<typeof branchOnServer>): z.input<typeof branch> {
  return { ...old, repo: repositoryToGithubCom(old.repo) };
}

const pullRequestV1 = z.looseObject({
  number: z.int(),
  title: z.string(),
  html_url: z.string(),
  state: z.enum(["open", "closed"]),
  locked: z.boolean(),
  draft: z.boolean(),
  merged: z.boolean(),
  user: account,
  body: z.string(),
  assignee: z.null(),
  assignees: z.array(account),
  labels: z.array(labelOnServer),
  milestone: z.null(),
  head: branchOnServer,
  base: branchOnServer,
  closed_at: z.null(),
  merge_commit_sha: z.null(),
  mergeable: z.null(),
  rebaseable: z.null(),
});

/** GHES 3.1 to 3.3: recorded when just opened, so nothing is known yet of closing and merging. */
const v1 = z.looseObject({ ...fromServer, action: z.string(), number: z.int(), pull_request: pullRequestV1 });

/** GHES 3.4, 3.5: closing and merging are told, and (un)assigned and (un)labeled name their object. */
const v2 = v1.extend({
  pull_request: pullRequestV1.extend({
    closed_at: z.string().nullable(),
    merge_commit_sha: z.string().nullable(),
    mergeable: z.boolean().nullable(),
    rebaseable: z.boolean().nullable(),
  }),
  assignee: account.nullable().default(null),
  label: labelOnServer.nullable().default(null),
});

/** github.com: no enterprise; repositories and labels tell more; automatic merging, lock reasons, review requests, pushes to the branch. */
const v3 = z.looseObject({
  ...fromGithubCom,
  action: z.string(),
  number: z.int(),
  pull_request: v2.shape.pull_request.extend({
    body: z.string().nullable(),
    assignee: account.nullable(),
    labels: z.array(label),
    milestone: milestone.nullable(),
    head: branch,
    base: branch,
    auto_merge: z.looseObject({ merge_method: z.string() }).nullable().default(null),
    active_lock_reason: z.string().nullable().default(null),
  }),
  assignee: account.nullable().default(null),
  label: label.nullable().default(null),
  requested_reviewer: account.nullable().default(null),
  before: z.string().nullable().default(null),
  after: z.string().nullable().default(null),
});

export const pullRequest = defineEvent("github.pull_request", { 1: v1, 2: v2, 3: v3 });

export const pullRequestVersions: Record<Release, 1 | 2 | 3> = {
  "ghes-31": 1,
  "ghes-32": 1,
  "ghes-33": 1,
  "ghes-34": 2,
  "ghes-35": 2,
  "api.github.com": 3,
};

export const pullRequestUpcasters = defineUpcasters(pullRequest, {
  /** v1 named no object of an action: null. What it knew nothing of, v2 may leave null too. */
  1: (old) => ({ ...old, assignee: null, label: null }),
  /** Servers had no automatic merging, told no lock reason, reviewer, organization or commits of a push: null. */
  2: (old) => ({
    ...old,
    repository: repositoryToGithubCom(old.repository),
    pull_request: {
      ...old.pull_request,
      labels: old.pull_request.labels.map(labelToGithubCom),
      head: branchToGithubCom(old.pull_request.head),
      base: branchToGithubCom(old.pull_request.base),
      auto_merge: null,
      active_lock_reason: null,
    },
    label: old.label === null ? null : labelToGithubCom(old.label),
    organization: null,
    requested_reviewer: null,
    before: null,
    after: null,
  }),
});
