/** Event types: their versions, and what changed between them. */
import { useState } from "preact/hooks";
import { ask } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { hrefOf } from "../base/place.ts";
import { CommandLine } from "../parts/command-line.tsx";
import { Differences, differencesOf, Payload } from "../parts/payload.tsx";
import { ProblemText } from "../parts/problem.tsx";
import { Text } from "../parts/text.tsx";

/** How many events are stored under a name and a version. */
interface Stored {
  readonly type: string;
  readonly version: number;
  readonly events: number;
}

interface Types {
  readonly schemas: readonly {
    readonly type: string;
    readonly versions: readonly number[];
    readonly current: number;
    readonly formerly: readonly string[];
    readonly stored: readonly Stored[];
  }[];
}

export function Schemas({ type }: { readonly type: string | undefined }) {
  const live = useLive<Types>("schemas", () => ask<Types>(["schemas"]));
  const types = live.data.value?.schemas ?? [];
  const found = types.find((each) => each.type === type || each.formerly.includes(type ?? ""));
  return (
    <>
      {type !== undefined && (
        <p class="crumbs">
          <a href={hrefOf(["schemas"])}>Schemas</a>
        </p>
      )}
      <h1 tabIndex={-1}>{type === undefined ? "Schemas" : <Text of={type} max={130} />}</h1>
      <ProblemText of={live.problem.value} />
      {type === undefined && (
        <ul class="plain">
          {types.map((each) => (
            <li key={each.type}>
              <a href={hrefOf(["schemas", each.type])}>
                <Text of={each.type} />
              </a>{" "}
              version {each.current}
              {each.versions.length > 1 && ` of ${each.versions.length}`}
              {` · ${countOf(each.stored)} stored`}
              {each.formerly.length > 0 && (
                <span class="soft">
                  {" "}
                  formerly <Text of={each.formerly.join(", ")} />
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      {type === undefined && (
        <>
          <p>Which steps are still needed, and by how many events, archives included:</p>
          <CommandLine words={["schema", "census"]} />
        </>
      )}
      {type !== undefined && live.data.value !== null && found === undefined && <p>There is no such event type today.</p>}
      {found !== undefined && <Census of={found.stored} current={found.current} />}
      {found !== undefined && <Versions key={found.type} type={found.type} versions={found.versions} current={found.current} />}
    </>
  );
}

const countOf = (stored: readonly Stored[]) => {
  const events = stored.reduce((sum, each) => sum + each.events, 0);
  return `${events.toLocaleString()} ${events === 1 ? "event" : "events"}`;
};

/** What is stored of each version: those below the current one are lifted each time that they are read. */
function Census({ of, current }: { readonly of: readonly Stored[]; readonly current: number }) {
  return (
    <>
      <h2>Stored: {countOf(of)}</h2>
      {of.length > 0 && (
        <table class="census">
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col">Stored as</th>
              <th scope="col">Events</th>
            </tr>
          </thead>
          <tbody>
            {of.map((each) => (
              <tr key={`${each.type} ${each.version}`}>
                <td>
                  {each.version}
                  {each.version < current && <span class="soft"> lifted to {current}</span>}
                </td>
                <td>
                  <Text of={each.type} />
                </td>
                <td>{each.events.toLocaleString()}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Versions({ type, versions, current }: { readonly type: string; readonly versions: readonly number[]; readonly current: number }) {
  const [version, setVersion] = useState(current);
  const shown = useLive<object>(`schema ${type} ${version}`, () => ask<object>(["schemas", type, String(version)]));
  const before = versions.filter((each) => each < version).at(-1);
  const earlier = useLive<object | null>(`schema ${type} ${before}`, async () =>
    before === undefined ? null : ask<object>(["schemas", type, String(before)]),
  );
  return (
    <>
      <label>
        Version{" "}
        <select value={version} onChange={(event) => setVersion(Number(event.currentTarget.value))}>
          {versions.map((each) => (
            <option key={each} value={each}>
              {each}
              {each === current ? " (current)" : ""}
            </option>
          ))}
        </select>
      </label>
      <p>
        <a href={hrefOf(["events"], { event_type: type })}>Events of this type</a>
      </p>
      <ProblemText of={shown.problem.value} />
      {before !== undefined && shown.data.value !== null && earlier.data.value !== null && (
        <>
          <h2>What version {version} changed</h2>
          <Differences of={differencesOf(earlier.data.value, shown.data.value)} />
        </>
      )}
      <h2>JSON Schema</h2>
      {shown.data.value !== null && <Payload value={shown.data.value} label="JSON Schema" />}
    </>
  );
}
