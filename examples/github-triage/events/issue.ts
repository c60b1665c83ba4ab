/** The issue inside `issues` and `issue_comment`, which changed at the same times but not in the same ways. */
import type { DeepReadonly } from "reprise";
import { z } from "zod";
import { account, label, labelOnServer, labelToGithubCom, milestone, reactions } from "./parts.ts";

/** As recorded on GHES 3.1 to 3.3: someone is assigned and there is a milestone. */
export const issueOnServer = z.looseObject({
  number: z.int(),
  title: z.string(),
  url: z.string(),
  html_url: z.string(),
  user: account,
  state: z.enum(["open", "closed"]),
  locked: z.boolean(),
  labels: z.array(labelOnServer),
  assignee: account,
  assignees: z.array(account),
  milestone,
  comments: z.int(),
  body: z.string(),
});

/** Set on an issue that is the other face of a pull request. */
export const pullRequestLink = z.looseObject({ url: z.string(), html_url: z.string() });

/** Today's. Deliveries of `pinned` and `unpinned` leave out state, locked, labels and assignee: null there means that the delivery did not tell. */
export const issue = issueOnServer.extend({
  state: z.enum(["open", "closed"]).nullable().default(null),
  locked: z.boolean().nullable().default(null),
  labels: z.array(label).nullable().default(null),
  assignee: account.nullable().default(null),
  milestone: milestone.nullable(),
  body: z.string().nullable(),
  pull_request: pullRequestLink.nullable().default(null),
  active_lock_reason: z.string().nullable().default(null),
  reactions: reactions.nullable().default(null),
  draft: z.boolean().nullable().default(null),
  timeline_url: z.string().nullable().default(null),
  performed_via_github_app: z.looseObject({ id: z.int() }).nullable().default(null),
});

/** A pull request's page is `…/pull/<number>` in either face, so the old shape does tell. */
export function pullRequestLinkOf(old: { readonly url: string; readonly html_url: string }): z.input<typeof pullRequestLink> | null {
  if (!/\/pull\/\d+$/.test(old.html_url)) return null;
  return { url: old.url.replace(/\/issues\/(\d+)$/, "/pulls/$1"), html_url: old.html_url };
}

/** The time-line's address follows from the issue's; who is locked out, reacted or acted through an app, no server told: null. */
export function issueToGithubCom<I extends DeepReadonly<Pick<z.output<typeof issueOnServer>, "url" | "labels">>>(old: I) {
  return {
    ...old,
    labels: old.labels.map(labelToGithubCom),
    active_lock_reason: null,
    reactions: null,
    draft: null,
    timeline_url: `${old.url}/timeline`,
    performed_via_github_app: null,
  };
}
