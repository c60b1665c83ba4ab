import { defineHandler, type Entity, type HandlerDefinition } from "reprise";
import type { z } from "zod";
import { checkRun } from "./events/check-run.ts";
import type { issue } from "./events/issue.ts";
import { issueComment } from "./events/issue-comment.ts";
import { issues } from "./events/issues.ts";
import { pullRequest } from "./events/pull-request.ts";
import { push } from "./events/push.ts";
import { release } from "./events/release.ts";

/** An issue or a pull request as the team's board shows it. */
export interface IssueCard {
  readonly kind: "issue" | "pull_request";
  readonly title: string;
  /** Null until a delivery told. */
  readonly state: "open" | "closed" | "merged" | null;
  readonly labels: readonly string[];
  readonly assignees: readonly string[];
  /** What a person should do next; null when it is closed, or looked after. */
  readonly needs: "label" | "assignee" | null;
  readonly lastComment: string | null;
  /** Revision of the last event that changed the card. */
  readonly revision: number;
}

/** A repository as the team's board shows it. */
export interface RepositoryCard {
  readonly kind: "repository";
  readonly visibility: "public" | "private" | "internal" | null;
  readonly headCommit: string | null;
  readonly lastRelease: string | null;
  /** Names of the checks whose last run failed, sorted. */
  readonly failingChecks: readonly string[];
  readonly revision: number;
}

/** Cards by `cardKey`. A stand-in for the team's database: what is written twice is the same as written once. */
export type Board = Map<string, IssueCard | RepositoryCard>;

export function cardKey(entity: Entity): string {
  return `${entity.type}/${entity.id}`;
}

/** Keeps one card for each entity. It knows today's schemas only. */
export function triageHandler(board: Board): HandlerDefinition {
  const issueCard = (entity: Entity) => {
    const card = board.get(cardKey(entity));
    return card?.kind === "repository" ? undefined : card;
  };
  const repositoryCard = (entity: Entity) => {
    const card = board.get(cardKey(entity));
    return card?.kind === "repository" ? card : emptyRepository;
  };
  const put = (entity: Entity, card: IssueCard | RepositoryCard) => {
    board.set(cardKey(entity), card);
  };

  return defineHandler({
    name: "triage",
    startFrom: "beginning",
    events: [issues, issueComment, pullRequest, push, checkRun, release],
    on: {
      "github.issues": ({ entity, data, revision }) => put(entity, withIssue(issueCard(entity), data.issue, revision)),
      "github.issue_comment": ({ entity, data, revision }) => {
        const lastComment = data.action === "deleted" ? null : data.comment.body;
        put(entity, { ...withIssue(issueCard(entity), data.issue, revision), lastComment });
      },
      "github.pull_request": ({ entity, data, revision }) => {
        const { title, state, merged, labels, assignees } = data.pull_request;
        put(
          entity,
          judged({
            kind: "pull_request",
            title,
            state: merged ? "merged" : state,
            labels: labels.map(({ name }) => name),
            assignees: assignees.map(({ login }) => login),
            lastComment: issueCard(entity)?.lastComment ?? null,
            revision,
          }),
        );
      },
      "github.push": ({ entity, data: { repository, head_commit }, revision }) => {
        const before = repositoryCard(entity);
        put(entity, { ...before, visibility: repository.visibility ?? before.visibility, headCommit: head_commit?.id ?? before.headCommit, revision });
      },
      "github.check_run": ({ entity, data: { repository, check_run }, revision }) => {
        const before = repositoryCard(entity);
        const others = before.failingChecks.filter((name) => name !== check_run.name);
        const failingChecks = check_run.conclusion === "failure" ? [...others, check_run.name].sort() : others;
        put(entity, { ...before, visibility: repository.visibility ?? before.visibility, failingChecks, revision });
      },
      "github.release": ({ entity, data: { repository, release, action }, revision }) => {
        const before = repositoryCard(entity);
        const lastRelease = action === "published" ? release.tag_name : before.lastRelease;
        put(entity, { ...before, visibility: repository.visibility ?? before.visibility, lastRelease, revision });
      },
    },
  });
}

const emptyRepository: RepositoryCard = { kind: "repository", visibility: null, headCommit: null, lastRelease: null, failingChecks: [], revision: -1 };

/** What a delivery does not tell stays as it was. */
function withIssue(before: IssueCard | undefined, now: z.output<typeof issue>, revision: number): IssueCard {
  return judged({
    kind: now.pull_request === null && before?.kind !== "pull_request" ? "issue" : "pull_request",
    title: now.title,
    state: now.state ?? before?.state ?? null,
    labels: now.labels?.map(({ name }) => name) ?? before?.labels ?? [],
    assignees: now.assignees.map(({ login }) => login),
    lastComment: before?.lastComment ?? null,
    revision,
  });
}

function judged(card: Omit<IssueCard, "needs">): IssueCard {
  if (card.state !== "open") return { ...card, needs: null };
  if (card.labels.length === 0) return { ...card, needs: "label" };
  return { ...card, needs: card.assignees.length === 0 ? "assignee" : null };
}
