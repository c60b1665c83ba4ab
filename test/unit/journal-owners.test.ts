import { describe, expect, it } from "vitest";
import { journalStream } from "../../src/event/names.ts";
import { openDatabase } from "../../src/views/database.ts";
import { JournalOwners } from "../../src/views/journal-owners.ts";

describe("whose a journal is", () => {
  const journal = journalStream("mailer", 4, 3);

  it("is asked of the rows once, by the name of the handler's first journal, until something may have changed", () => {
    const asked: string[] = [];
    let name: string | undefined;
    const nameOf = (first: string) => {
      asked.push(first);
      return name;
    };
    const owners = new JournalOwners();
    const place = { partition: 3, of: 4 };
    for (let time = 0; time < 3; time++) expect(owners.of(journal, nameOf)).toEqual({ handler: "mailer", place });
    expect(asked).toEqual([journalStream("mailer", 4, 0)]);
    name = "letters"; // took the journal over
    owners.clear();
    expect(owners.of(journal, nameOf)).toEqual({ handler: "letters", place });
    expect(owners.of("default.order-7", nameOf)).toBeNull();
  });

  it("is forgotten with a transaction that was undone", () => {
    const db = openDatabase(":memory:");
    db.begin();
    expect(db.journals.of(journal, () => "undone")).toMatchObject({ handler: "undone" });
    db.rollback();
    expect(db.journals.of(journal, () => "kept")).toMatchObject({ handler: "kept" });
    db.close();
  });
});
