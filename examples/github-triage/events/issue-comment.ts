import { defineEvent, defineUpcasters } from "reprise";
import { z } from "zod";
import type { Release } from "../recordings.ts";
import { issue, issueOnServer, issueToGithubCom, pullRequestLinkOf } from "./issue.ts";
import { account, changedText, fromGithubCom, fromServer, reactions, repositoryToGithubCom } from "./parts.ts";

const commentOnServer = z.looseObject({ id: z.int(), html_url: z.string(), user: account, body: z.string(), created_at: z.string() });

/** GHES 3.1 to 3.3. */
const v1 = z.looseObject({ ...fromServer, action: z.string(), issue: issueOnServer, comment: commentOnServer });

/** GHES 3.4, 3.5: an edited comment comes with its former text. */
const v2 = v1.extend({ changes: z.looseObject({ body: changedText }).nullable().default(null) });

/** github.com: no enterprise; repositories, issues and comments tell more; an issue may lack assignee and milestone. */
const v3 = z.looseObject({
  ...fromGithubCom,
  action: z.string(),
  issue,
  comment: commentOnServer.extend({
    reactions: reactions.nullable().default(null),
    performed_via_github_app: z.looseObject({ id: z.int() }).nullable().default(null),
  }),
  changes: z.looseObject({ body: changedText }).nullable().default(null),
});

export const issueComment = defineEvent("github.issue_comment", { 1: v1, 2: v2, 3: v3 });

export const issueCommentVersions: Record<Release, 1 | 2 | 3> = {
  "ghes-31": 1,
  "ghes-32": 1,
  "ghes-33": 1,
  "ghes-34": 2,
  "ghes-35": 2,
  "api.github.com": 3,
};

export const issueCommentUpcasters = defineUpcasters(issueComment, {
  /** v1 kept no former text: null. */
  1: (old) => ({ ...old, changes: null }),
  /** Whether it is a pull request's comment, the address tells; reactions, app and organization no server told: null. */
  2: (old) => ({
    ...old,
    repository: repositoryToGithubCom(old.repository),
    issue: { ...issueToGithubCom(old.issue), pull_request: pullRequestLinkOf(old.issue) },
    comment: { ...old.comment, reactions: null, performed_via_github_app: null },
    organization: null,
  }),
});
