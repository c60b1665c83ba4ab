/** A payload as it is stored, and as it would be delivered today, with each step between. */
import { useState } from "preact/hooks";
import { Differences, Payload, useDifferences } from "../parts/payload.tsx";
import { Text } from "../parts/text.tsx";

interface Stored {
  readonly type: string;
  readonly schema_version: number;
  readonly data: unknown;
}

interface Step {
  readonly from: number;
  readonly to: number;
  readonly type: string;
  readonly data: unknown;
  readonly error: { readonly type: string; readonly message: string } | null;
  readonly dropped: string | null;
  readonly split: readonly Stored[] | null;
  readonly left_out: boolean;
}

interface LiftedProps {
  /** Which one, where a page has several. */
  readonly name?: string;
  readonly event: {
    readonly stored: Stored | null;
    readonly schema_version: number;
    readonly data?: unknown;
    readonly data_error?: string | null;
    readonly dropped?: string | null;
    readonly parts?: readonly Stored[] | null;
    readonly steps?: readonly Step[];
    readonly amendment?: { readonly data?: unknown } | null;
  };
}

export function Lifted({ event, name }: LiftedProps) {
  const which = name === undefined ? "" : `, ${name}`;
  const { stored, steps = [], amendment } = event;
  const from = amendment?.data ?? stored?.data;
  const isLifted = event.data_error == null && event.dropped == null && event.parts == null;
  const changes = useDifferences(from, event.data, isLifted);
  return (
    <>
      <div class="beside">
        <section>
          <h3>
            {amendment != null ? "Amended" : "Stored"}
            {stored !== null && `, version ${stored.schema_version}`}
          </h3>
          {stored === null ? <p class="problem">The event cannot be read from the log.</p> : <Payload value={from} label={`Payload as it is stored${which}`} />}
        </section>
        <section>
          <h3>Delivered today{isLifted && `, version ${event.schema_version}`}</h3>
          {event.data_error != null && (
            <p class="problem">
              <Text of={event.data_error} max={2000} />
            </p>
          )}
          {event.dropped != null && (
            <p>
              It is no event today: <Text of={event.dropped} max={2000} />
            </p>
          )}
          {event.parts?.map((part, index) => (
            <Part key={index} part={part} index={index} which={which} />
          ))}
          {isLifted && <Payload value={event.data} label={`Payload as it would be delivered today${which}`} />}
        </section>
      </div>
      {stored !== null && isLifted && (
        <>
          <h3>What the lift changes</h3>
          {changes === null ? <p class="soft">Comparing …</p> : <Differences of={changes} none="Nothing: it is delivered as it is stored." />}
        </>
      )}
      {steps.length > 0 && <Steps of={steps} first={from} />}
    </>
  );
}

function Part({ part, index, which }: { readonly part: Stored; readonly index: number; readonly which: string }) {
  return (
    <>
      <h4>
        Part {index + 1}: <Text of={part.type} />
      </h4>
      <Payload value={part.data} label={`Payload of part ${index + 1}${which}`} />
    </>
  );
}

/** What the steps change is looked for when somebody looks. */
function Steps({ of, first }: { readonly of: readonly Step[]; readonly first: unknown }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="fold" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Each step ({of.length})</summary>
      <ol class="plain">
        {isOpen && of.map((step, index) => <StepTold key={`${step.type} ${step.to}`} step={step} before={index === 0 ? first : of[index - 1]!.data} />)}
      </ol>
    </details>
  );
}

function StepTold({ step, before }: { readonly step: Step; readonly before: unknown }) {
  const changes = step.error === null && step.dropped === null && step.split === null && !step.left_out;
  const found = useDifferences(before, step.data, changes);
  return (
    <li>
      <p>
        <Text of={step.type} /> version {step.from} → {step.to}
      </p>
      {step.error !== null && (
        <p class="problem">
          <strong>
            <Text of={step.error.type} />
          </strong>{" "}
          <Text of={step.error.message} max={2000} />
        </p>
      )}
      {step.dropped !== null && (
        <p>
          Drops it: <Text of={step.dropped} />
        </p>
      )}
      {step.split !== null && <p>Splits it into {step.split.length}.</p>}
      {step.left_out && <p class="soft">Left out: the steps have more than 4 MiB of data.</p>}
      {found !== null && changes && <Differences of={found} none="It changes nothing." />}
    </li>
  );
}
