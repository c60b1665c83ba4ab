import { checkRun, checkRunUpcasters, checkRunVersions } from "./events/check-run.ts";
import { issueComment, issueCommentUpcasters, issueCommentVersions } from "./events/issue-comment.ts";
import { issues, issuesUpcasters, issuesVersions } from "./events/issues.ts";
import { otherTypes } from "./events/other-types.ts";
import { pullRequest, pullRequestUpcasters, pullRequestVersions } from "./events/pull-request.ts";
import { push, pushUpcasters, pushVersions } from "./events/push.ts";
import { release, releaseUpcasters, releaseVersions } from "./events/release.ts";
import type { Release } from "./recordings.ts";

export const versionedTypes = [issues, issueComment, pullRequest, push, checkRun, release] as const;

export const events = [...versionedTypes, ...otherTypes];

export const upcasters = [issuesUpcasters, issueCommentUpcasters, pullRequestUpcasters, pushUpcasters, checkRunUpcasters, releaseUpcasters];

/** Which version of its schema a release sends of a type; what is not named here has one version. */
export const versionsByRelease = new Map<string, Record<Release, number>>([
  [issues.type, issuesVersions],
  [issueComment.type, issueCommentVersions],
  [pullRequest.type, pullRequestVersions],
  [push.type, pushVersions],
  [checkRun.type, checkRunVersions],
  [release.type, releaseVersions],
]);
