/** An act: why, how many, the command line that does the same, and what came of it. What was typed stays until it is done. */
import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { newOnceKey, type Problem } from "../base/api.ts";
import { commandLine, type Words } from "../base/command-line.ts";
import { shownCount } from "../base/shown-text.ts";
import { ProblemText, problemOf } from "./problem.tsx";

/** Acts on more than so many are confirmed by typing how many. */
const askAbove = 100;

export interface ActProps {
  /** What the button says: "Replay" */
  readonly name: string;
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
  readonly children?: ComponentChildren;
}

export function Act({ name, says, count = 1, mustSayWhy = false, isFinal = false, command, run, isReady = true, children }: ActProps) {
  const id = useId();
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [done, setDone] = useState<ComponentChildren>(null);
  const [running, setRunning] = useState(false);
  const once = useRef<string | null>(null);
  const given = reason.trim() === "" ? undefined : reason.trim();
  const confirmed = count <= askAbove || typed.replace(/[\s,.']/g, "") === String(count);
  const ready = isReady && confirmed && !running && !(mustSayWhy && given === undefined);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!ready) return;
    setRunning(true);
    setProblem(null);
    setDone(null);
    once.current ??= newOnceKey();
    try {
      setDone(await run({ reason: given, onceKey: once.current }));
      setTyped("");
    } catch (thrown) {
      setProblem(problemOf(thrown));
      // What did not arrive may have been done: the same key asks for the same act. What was refused is another act when it comes again.
      if (problemOf(thrown).status !== 0) once.current = null;
      return;
    } finally {
      setRunning(false);
    }
    once.current = null;
  };

  return (
    <form class={`act${isFinal ? " final" : ""}`} onSubmit={(event) => void submit(event)} aria-label={name}>
      <p>{says}</p>
      {children}
      <label for={`${id}-why`}>Reason{mustSayWhy ? "" : " (optional)"}</label>
      <input id={`${id}-why`} value={reason} maxLength={500} required={mustSayWhy} onInput={(event) => changed(() => setReason(event.currentTarget.value))} />
      {count > askAbove && (
        <>
          <label for={`${id}-count`}>This is about {shownCount(count)} deliveries: type that number</label>
          <input id={`${id}-count`} value={typed} inputMode="numeric" autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value)} />
        </>
      )}
      <CommandLine words={command(given ?? (mustSayWhy ? "…" : undefined))} />
      <button type="submit" class={isFinal ? "danger" : "main"} disabled={!ready}>
        {running ? "…" : name}
      </button>
      <ProblemText of={problem} />
      {done !== null && (
        <p class="done" role="status">
          {done}
        </p>
      )}
    </form>
  );

  /** Another reason is another act. */
  function changed(change: () => void): void {
    once.current = null;
    change();
  }
}

/** What does the same on the command line. */
export function CommandLine({ words }: { readonly words: Words }) {
  const [copied, setCopied] = useState(false);
  const line = commandLine(words);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(line);
    setCopied(true);
  };
  return (
    <p class="command">
      <code>{line}</code>
      {/* Browsers have a clipboard over TLS and on loopback only. */}
      {"clipboard" in navigator && (
        <button type="button" class="quiet" onClick={() => void copy()}>
          {copied ? "Copied" : "Copy"}
        </button>
      )}
    </p>
  );
}
