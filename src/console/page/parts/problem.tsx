/** What the service says of a failure: what, and what to do. */
import { Problem } from "../base/api.ts";
import { Text } from "./text.tsx";

export function ProblemText({ of }: { readonly of: Problem | null }) {
  if (of === null) return null;
  const { code, remedy, errors = [] } = of.body;
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{code ?? "Failed"}</strong> <Text of={of.message} max={2000} />
      </p>
      {errors.length > 0 && (
        <ul>
          {errors.slice(0, 20).map((each) => (
            <li key={each.pointer}>
              <code>
                <Text of={each.pointer} />
              </code>{" "}
              <Text of={each.detail} />
            </li>
          ))}
        </ul>
      )}
      {remedy !== undefined && (
        <p class="soft">
          <Text of={remedy} max={2000} />
        </p>
      )}
    </div>
  );
}

/** What was thrown, as a problem. @throws what is no answer of the service: a fault of this page. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  throw thrown;
}
