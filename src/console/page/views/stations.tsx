/** The way of a replay, and where on it one is. */
export function Stations({ at }: { readonly at: number }) {
  return (
    <ol class="stations" aria-label="Steps of a replay">
      {["Choose", "Plan", "Run", "Report"].map((name, index) => (
        <li key={name} aria-current={index === at ? "step" : undefined} class={index < at ? "behind" : ""}>
          {name}
        </li>
      ))}
    </ol>
  );
}
