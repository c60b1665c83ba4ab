/**
 * Does it in the next turn of the event loop, once however often it is asked for. What came while this process was held up, such as the answer to a sign of
 * life, is read before it is done.
 */
export function oncePerTurn(act: () => void): () => void {
  let willAct = false;
  return () => {
    if (willAct) return;
    willAct = true;
    setImmediate(() => {
      willAct = false;
      act();
    });
  };
}
