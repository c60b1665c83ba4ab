/** An act: why, how many, the command line that does the same, and what came of it. What was typed stays until it is done. */
import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { newOnceKey, type Problem } from "../base/api.ts";
import type { Words } from "../base/command-line.ts";
import { dropDraft, hasDraft, useDraft } from "../base/drafts.ts";
import { shownCount } from "../base/shown-text.ts";
import { CommandLine } from "./command-line.tsx";
import { ProblemText, problemOf } from "./problem.tsx";

/** Acts on more than so many are confirmed by typing how many. */
const askAbove = 100;

export interface ActProps {
  /** What the button says: "Replay" */
  readonly name: string;
  /** What it is done to, where a page has several acts of one name. */
  readonly about?: string;
  /** What it does and to what, in one word: what was typed is kept under it, and all that begins so ends with the act. */
  readonly draft: string;
  /** What it does, in a sentence. */
  readonly says: ComponentChildren;
  /** How many deliveries it is about. */
  readonly count?: number;
  readonly mustSayWhy?: boolean;
  /** It is for good. */
  readonly isFinal?: boolean;
  readonly command: (reason: string | undefined) => Words;
  /** @param onceKey the same for the same act, however often it has to be sent. @returns what came of it. */
  readonly run: (asked: { readonly reason: string | undefined; readonly onceKey: string }) => Promise<ComponentChildren>;
  readonly isReady?: boolean;
  /** What else is chosen: with another choice it is another act. */
  readonly choice?: string;
  readonly children?: ComponentChildren;
}

export function Act(props: ActProps) {
  const { name, about, draft, says, count = 1, mustSayWhy = false, isFinal = false, command, isReady = true, children } = props;
  const id = useId();
  const [reason, setReason] = useDraft(`${draft} reason`, "");
  const [typed, setTyped] = useState("");
  const given = reason.trim() === "" ? undefined : reason.trim();
  const confirmed = count <= askAbove || typed.replace(/[\s,.'’]/g, "") === String(count);
  const { running, problem, done, start } = useRun(props, given);
  const ready = isReady && confirmed && !running && !(mustSayWhy && given === undefined);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!ready || !(await start())) return;
    dropDraft(draft);
    setTyped("");
    setReason("");
  };

  return (
    <form class={`act${isFinal ? " final" : ""}`} onSubmit={(event) => void submit(event)} aria-label={about === undefined ? name : `${name} ${about}`}>
      <p>{says}</p>
      {children}
      <label for={`${id}-why`}>Reason{mustSayWhy ? "" : " (optional)"}</label>
      <input
        id={`${id}-why`}
        value={reason}
        maxLength={500}
        required={mustSayWhy}
        autocomplete="off"
        onInput={(event) => setReason(event.currentTarget.value)}
      />
      {count > askAbove && (
        <>
          <label for={`${id}-count`}>This is about {shownCount(count)} deliveries: type that number</label>
          <input id={`${id}-count`} value={typed} inputMode="numeric" autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value)} />
        </>
      )}
      <CommandLine words={command(given ?? (mustSayWhy ? "…" : undefined))} />
      <button type="submit" class={isFinal ? "danger" : "main"} disabled={!ready}>
        {running ? `${name} …` : name}
      </button>
      <ProblemText of={problem} />
      {done !== null && (
        <div class="done" role="status">
          {done}
        </div>
      )}
    </form>
  );
}

/** Runs it once at a time, and what got no answer again as the same act. */
function useRun({ run, draft, choice = "" }: ActProps, reason: string | undefined) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [done, setDone] = useState<ComponentChildren>(null);
  const [running, setRunning] = useState(false);
  const isRunning = useRef(false);
  const [once, setOnce] = useDraft<{ readonly of: string; readonly key: string } | null>(`${draft} once`, null);
  const start = async (): Promise<boolean> => {
    // The second press of a double click comes before the page is drawn again.
    if (isRunning.current) return false;
    isRunning.current = true;
    setRunning(true);
    setProblem(null);
    setDone(null);
    const of = JSON.stringify([reason, choice]);
    const onceKey = once?.of === of ? once.key : newOnceKey();
    setOnce({ of, key: onceKey });
    try {
      setDone(await run({ reason, onceKey }));
      setOnce(null);
      return true;
    } catch (thrown) {
      const said = problemOf(thrown);
      setProblem(said);
      // What did not arrive may have been done: the same key asks for the same act. What was refused is another act when it comes again.
      if (said.status !== 0) setOnce(null);
      return false;
    } finally {
      isRunning.current = false;
      setRunning(false);
    }
  };
  return { running, problem, done, start };
}

interface FoldedActProps extends ActProps {
  readonly isOpen?: boolean;
  /** What stands on the fold, if not the act's name. */
  readonly fold?: string;
}

/** An act behind its name. It stands open while something is typed in it. */
export function FoldedAct({ isOpen = false, fold, ...act }: FoldedActProps) {
  const [first] = useState(() => isOpen || hasDraft(act.draft));
  return (
    <details class="fold" open={first}>
      <summary>{fold ?? act.name}</summary>
      <Act {...act} />
    </details>
  );
}
