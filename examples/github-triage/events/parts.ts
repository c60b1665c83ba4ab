/** What several event types share. `…OnServer` is the shape that GitHub Enterprise Server 3.1 to 3.5 sent, the plain name today's. */
import { z } from "zod";

/** A user, a bot or an organisation. */
export const account = z.looseObject({ login: z.string(), id: z.int(), type: z.string() });

/** Sent by every server of an enterprise; github.com leaves it out. */
export const enterprise = z.looseObject({ id: z.int(), slug: z.string(), name: z.string() });

export const organization = z.looseObject({ login: z.string(), id: z.int() });

export const repositoryOnServer = z.looseObject({
  id: z.int(),
  full_name: z.string(),
  private: z.boolean(),
  owner: z.looseObject({ login: z.string(), id: z.int() }),
  default_branch: z.string(),
});

/** github.com told of these step by step: `null` means that the delivery did not tell. */
export const repository = repositoryOnServer.extend({
  visibility: z.enum(["public", "private", "internal"]).nullable().default(null),
  topics: z.array(z.string()).nullable().default(null),
  is_template: z.boolean().nullable().default(null),
  web_commit_signoff_required: z.boolean().nullable().default(null),
  custom_properties: z.record(z.string(), z.unknown()).nullable().default(null),
});

/** What github.com's deliveries of all types have in common. */
export const fromGithubCom = {
  repository,
  sender: account,
  enterprise: enterprise.nullable().default(null),
  organization: organization.nullable().default(null),
};

/** What all deliveries of an enterprise server have in common. */
export const fromServer = { repository: repositoryOnServer, sender: account, enterprise };

/** Not private is public. What is private may be internal to the enterprise, which the old shape cannot tell: null, like all else that it lacks. */
export function repositoryToGithubCom(old: z.output<typeof repositoryOnServer>): z.input<typeof repository> {
  return {
    ...old,
    visibility: old.private ? null : "public",
    topics: null,
    is_template: null,
    web_commit_signoff_required: null,
    custom_properties: null,
  };
}

/** Counts by kind of reaction, among them `+1` and `-1`. */
export const reactions = z.looseObject({ url: z.string(), total_count: z.int() });

export const labelOnServer = z.looseObject({ name: z.string(), color: z.string() });
export const label = labelOnServer.extend({ description: z.string().nullable().default(null) });

export function labelToGithubCom(old: z.output<typeof labelOnServer>): z.input<typeof label> {
  return { ...old, description: null };
}

export const milestone = z.looseObject({ number: z.int(), title: z.string(), state: z.string() });

/** A text that was edited, as it was before. */
export const changedText = z.looseObject({ from: z.string() });
