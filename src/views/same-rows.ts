type Read = (...args: readonly unknown[]) => unknown;

/**
 * Reads that answer from the rows of one file. One that takes several turns keeps numbers of rows, and these are another entity's once a rebuild has put other rows in
 * their place: then it reads again. A rebuild takes longer than a read, so it does not read for ever.
 *
 * @param rows what is another object once there are other rows.
 */
export function ofSameRows<Reads extends object>(rows: () => unknown, reads: Reads): Reads {
  return Object.fromEntries(Object.entries(reads).map(([name, read]) => [name, repeating(rows, read as Read)])) as Reads;
}

function repeating(rows: () => unknown, read: Read): Read {
  const repeated: Read = (...args) => {
    const before = rows();
    const answer = read(...args);
    return answer instanceof Promise ? sameOrAgain(answer, { isSame: () => rows() === before, again: () => repeated(...args) }) : answer;
  };
  return repeated;
}

async function sameOrAgain(answer: Promise<unknown>, { isSame, again }: { isSame(): boolean; again(): unknown }): Promise<unknown> {
  try {
    const value = await answer;
    if (isSame()) return value;
  } catch (error) {
    if (isSame()) throw error;
  }
  return again();
}
