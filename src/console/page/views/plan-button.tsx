/** Freezes a selection, and goes to the plan of it. */
import { useState } from "preact/hooks";
import type { PlanReply } from "../../../http/wire/plans.ts";
import { ask, newOnceKey, type Problem } from "../base/api.ts";
import { goTo } from "../base/place.ts";
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
  const plan = async (): Promise<void> => {
    setPlanning(true);
    setProblem(null);
    try {
      const body = { selection, ...(targetHandler ? { target_handler: targetHandler } : {}) };
      const made = await ask<PlanReply>(["replays", "plan"], { method: "POST", body, onceKey: newOnceKey() });
      goTo(["replays", "plans", made.plan_id]);
    } catch (thrown) {
      setProblem(problemOf(thrown));
    } finally {
      setPlanning(false);
    }
  };
  return (
    <span>
      <button type="button" class={isMain ? "main" : ""} disabled={!isReady || planning} onClick={() => void plan()}>
        {planning ? "Planning …" : name}
      </button>
      <ProblemText of={problem} />
    </span>
  );
}
