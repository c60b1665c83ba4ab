import { openDatabase } from "../../src/views/database.ts";

/** All rows of all tables of a file of views, each as JSON and in order, so that two files can be compared. */
export function rowsOf(file: string): Record<string, readonly string[]> {
  const db = openDatabase(file);
  const tables = db.all<{ name: string }>("select name from sqlite_schema where type = 'table' order by name");
  const rows = Object.fromEntries(
    tables.map(({ name }) => [
      name,
      db
        .all<object>(`select * from ${name}`)
        .map((row) => JSON.stringify(row))
        .sort(),
    ]),
  );
  db.close();
  return rows;
}
