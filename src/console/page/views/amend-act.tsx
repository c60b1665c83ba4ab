/** Other data for one dead letter: of its stored version, checked as it is typed by the schema of that version. */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { DeadLetterDetailReply } from "../../../http/wire/dead-letters-replies.ts";
import { ask, Problem } from "../base/api.ts";
import { useDraft } from "../base/drafts.ts";
import { parseExact, printJson } from "../base/exact-json.ts";
import { faultsOf, type Schema } from "../base/json-schema.ts";
import { FoldedAct } from "../parts/act.tsx";
import { Differences, differencesOf } from "../parts/payload.tsx";
import { Text } from "../parts/text.tsx";

interface AmendActProps {
  readonly letter: DeadLetterDetailReply;
  readonly stored: { readonly type: string; readonly schema_version: number; readonly data: unknown };
  readonly refresh: () => Promise<void>;
}

/** A larger text is no longer edited in a browser. */
const maxCharacters = 256 * 1024;

export function AmendAct({ letter, stored, refresh }: AmendActProps) {
  const before = useMemo(() => printJson(letter.amendment?.data ?? stored.data, maxCharacters), []);
  const draft = `amend ${letter.delivery_id}`;
  const [text, setText] = useDraft(`${draft} data`, before.text);
  const schema = useSchema(stored.type, stored.schema_version);
  const { data, faults } = useMemo(() => judge(text, schema), [text, schema]);
  if (!before.whole)
    return (
      <p class="soft">
        Its data is too large to be amended here: use the command line, <code>reprise dlq amend</code> with a file.
      </p>
    );
  return (
    <div class="acts">
      <FoldedAct
        {...{ name: "Amend", draft, choice: text, mustSayWhy: true, isReady: faults.length === 0 && text !== before.text }}
        says={`Gives this dead letter other data, of version ${stored.schema_version} as it is stored. The event stays as it is; the next replay delivers the new data.`}
        command={(reason) => ["dlq", "amend", letter.delivery_id, "--data", "@amended.json", "--reason", reason]}
        run={async ({ reason, onceKey }) => {
          await ask(["admin", "dlq", letter.delivery_id, "amend"], { method: "POST", body: `{"reason":${JSON.stringify(reason)},"data":${text}}`, onceKey });
          await refresh();
          return "Amended: a replay delivers it now.";
        }}
      >
        <label for="amended">Data (JSON)</label>
        <textarea
          id="amended"
          rows={12}
          spellcheck={false}
          autocomplete="off"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          aria-describedby="amended-faults"
        />
        <div id="amended-faults" role="status">
          {faults.length === 0 && data !== undefined && <Differences of={differencesOf(stored.data, data)} none="As it is stored." />}
          {faults.length > 0 && (
            <ul class="faults">
              {faults.slice(0, 20).map((fault) => (
                <li key={fault}>
                  <Text of={fault} />
                </li>
              ))}
            </ul>
          )}
        </div>
      </FoldedAct>
    </div>
  );
}

function judge(text: string, schema: Schema | null): { readonly data?: unknown; readonly faults: readonly string[] } {
  try {
    const data = parseExact(text);
    return { data, faults: schema === null ? [] : faultsOf(schema, data) };
  } catch (error) {
    return { faults: [`This is no JSON: ${(error as Error).message}`] };
  }
}

/** Null until it is here; without it the service alone judges. */
function useSchema(type: string, version: number): Schema | null {
  const [schema, setSchema] = useState<Schema | null>(null);
  useEffect(() => {
    ask<Schema>(["schemas", type, String(version)]).then(setSchema, (error: unknown) => {
      if (!(error instanceof Problem)) throw error;
    });
  }, [type, version]);
  return schema;
}
