/** Freezes a selection, and goes to the plan of it. */
import { useRef, useState } from "preact/hooks";
import type { PlanReply } from "../../../http/wire/plans.ts";
import { ask, newOnceKey, type Problem } from "../base/api.ts";
import type { Words } from "../base/command-line.ts";
import { goTo } from "../base/place.ts";
import { CommandLine } from "../parts/command-line.tsx";
import { ProblemText, problemOf } from "../parts/problem.tsx";

export type Selection =
  | { readonly ids: readonly string[] }
  | { readonly dead_letters: Readonly<Record<string, string>> }
  | { readonly history: Readonly<Record<string, unknown>> };

interface PlanButtonProps {
  readonly name: string;
  readonly selection: Selection;
  readonly targetHandler?: string | undefined;
  readonly isReady: boolean;
  readonly isMain?: boolean;
}

export function PlanButton({ name, selection, targetHandler, isReady, isMain = false }: PlanButtonProps) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [planning, setPlanning] = useState(false);
  const isPlanning = useRef(false);
  const plan = async (): Promise<void> => {
    if (isPlanning.current) return;
    isPlanning.current = true;
    setPlanning(true);
    setProblem(null);
    try {
      const body = { selection, ...(targetHandler ? { target_handler: targetHandler } : {}) };
      const made = await ask<PlanReply>(["replays", "plan"], { method: "POST", body, onceKey: newOnceKey() });
      goTo(["replays", "plans", made.plan_id]);
    } catch (thrown) {
      setProblem(problemOf(thrown));
    } finally {
      isPlanning.current = false;
      setPlanning(false);
    }
  };
  return (
    <div class="plan">
      <button type="button" class={isMain ? "main" : ""} disabled={!isReady || planning} onClick={() => void plan()}>
        {planning ? "Planning …" : name}
      </button>
      {isReady && <CommandLine words={["replay", "plan", ...wordsOf(selection), "--target-handler", targetHandler]} />}
      <ProblemText of={problem} />
    </div>
  );
}

/** More ids than this make no line that anybody reads. */
const maxIds = 20;

function wordsOf(selection: Selection): Words {
  if ("ids" in selection) return selection.ids.length > maxIds ? [...selection.ids.slice(0, maxIds), "…"] : selection.ids;
  if ("dead_letters" in selection) return filterWords(selection.dead_letters);
  const { entity, event_types: types, handler, ...rest } = selection.history as Readonly<Record<string, unknown>>;
  const { type = "", id = "" } = (entity ?? {}) as { readonly type?: string; readonly id?: string };
  return [
    ...["--history", String(handler), "--entity", entity === undefined ? undefined : `${type}/${id}`],
    ...["--types", Array.isArray(types) ? types.join() : undefined],
    ...filterWords(rest as Readonly<Record<string, string>>),
  ];
}

/** `event_type` → `--event-type` */
export function filterWords(filter: Readonly<Record<string, string>>): Words {
  return Object.entries(filter).flatMap(([name, value]) => [`--${name.replaceAll("_", "-")}`, value]);
}
