/** A key becomes a session; what stands in the page stays there. */
import { useRef, useState } from "preact/hooks";
import type { Problem } from "../base/api.ts";
import { logIn, session } from "../base/session.ts";
import { ProblemText, problemOf } from "../parts/problem.tsx";

export function LogIn() {
  const field = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      await logIn(field.current!.value);
    } catch (thrown) {
      setProblem(problemOf(thrown));
    }
  };
  return (
    <section class="log-in">
      <h1 tabIndex={-1}>Log in</h1>
      {session.value !== null && <p>Your session is over: the service was restarted, or the time is up. What you typed is kept.</p>}
      <form onSubmit={(event) => void submit(event)}>
        <label for="key">Key</label>
        <input id="key" ref={field} type="password" autocomplete="current-password" spellcheck={false} required placeholder="rpr_…" />
        <button type="submit" class="main">
          Log in
        </button>
      </form>
      <ProblemText of={problem} />
      <p class="soft">
        Whoever keeps the keys makes one: <code>npx reprise keys create --name anna --tenant default --role operate</code>
      </p>
    </section>
  );
}
