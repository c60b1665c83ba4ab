import { defineEvent, defineUpcasters } from "reprise";
import { z } from "zod";
import type { Release } from "../recordings.ts";
import { issue, issueOnServer, issueToGithubCom, pullRequestLink, pullRequestLinkOf } from "./issue.ts";
import { account, fromGithubCom, fromServer, label, labelOnServer, labelToGithubCom, milestone, repositoryToGithubCom } from "./parts.ts";

/** GHES 3.1 to 3.3. */
const v1 = z.looseObject({ ...fromServer, action: z.string(), issue: issueOnServer });

/** GHES 3.4, 3.5: an issue may lack assignee and milestone, tells whether it is a pull request, and (un)assigned and (un)labeled name their object. */
const v2 = v1.extend({
  issue: issueOnServer.extend({
    assignee: account.nullable(),
    milestone: milestone.nullable(),
    pull_request: pullRequestLink.nullable().default(null),
  }),
  assignee: account.nullable().default(null),
  label: labelOnServer.nullable().default(null),
});

/** github.com: no enterprise; repositories, labels and issues tell more; (de)milestoned names its object. */
const v3 = z.looseObject({
  ...fromGithubCom,
  action: z.string(),
  issue,
  assignee: account.nullable().default(null),
  label: label.nullable().default(null),
  milestone: milestone.nullable().default(null),
});

export const issues = defineEvent("github.issues", { 1: v1, 2: v2, 3: v3 });

export const issuesVersions: Record<Release, 1 | 2 | 3> = { "ghes-31": 1, "ghes-32": 1, "ghes-33": 1, "ghes-34": 2, "ghes-35": 2, "api.github.com": 3 };

export const issuesUpcasters = defineUpcasters(issues, {
  /** v1 named no object of an action: null. Whether the issue is a pull request, its address tells. */
  1: (old) => ({ ...old, issue: { ...old.issue, pull_request: pullRequestLinkOf(old.issue) }, assignee: null, label: null }),
  /** Servers told no organization, and its owner does not: recordings name another one. Null, as the milestone of the action, which is not always the issue's. */
  2: (old) => ({
    ...old,
    repository: repositoryToGithubCom(old.repository),
    issue: issueToGithubCom(old.issue),
    label: old.label === null ? null : labelToGithubCom(old.label),
    organization: null,
    milestone: null,
  }),
});
