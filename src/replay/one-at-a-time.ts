/**
 * Keeps an asynchronous step from running twice at once.
 *
 * @param again called after the step when somebody asked for it meanwhile: what happened during the step is looked at after it.
 * @returns asks for the step; rejects as it does.
 */
export function oneAtATime(step: () => Promise<void>, again: () => void): () => Promise<void> {
  let runs = false;
  let asked = false;
  return async () => {
    if (runs) {
      asked = true;
      return;
    }
    runs = true;
    await step();
    runs = false;
    if (!asked) return;
    asked = false;
    again();
  };
}
