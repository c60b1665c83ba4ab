import { DatabaseSync, type StatementSync } from "node:sqlite";
import { vi } from "vitest";

/** Makes a commit, or something else in its place. */
export type Commits = (commit: () => void, database: DatabaseSync) => void;

/** Watches the commits of every database that is opened from now on, until mocks are restored. @returns what is called in place of a commit, if set. */
export function watchCommits(): { instead: Commits | null } {
  const watched: { instead: Commits | null } = { instead: null };
  const original = DatabaseSync.prototype.prepare;
  vi.spyOn(DatabaseSync.prototype, "prepare").mockImplementation(function (this: DatabaseSync, ...asked: Parameters<DatabaseSync["prepare"]>): StatementSync {
    const statement = original.apply(this, asked);
    if (asked[0] !== "commit") return statement;
    const commit = statement.get.bind(statement);
    statement.get = () => {
      if (watched.instead === null) commit();
      else watched.instead(commit, this);
      return undefined;
    };
    return statement;
  });
  return watched;
}
