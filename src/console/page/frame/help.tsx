/** The keys of the keyboard, and what they do everywhere in the page. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { goTo } from "../base/place.ts";
import { rooms } from "./views.tsx";

const isOpen = signal(false);
export const openHelp = (): void => void (isOpen.value = true);

/** So long `g` waits for the letter of a view. */
const goMs = 1500;

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useKeys();
  useEffect(() => {
    if (isOpen.value) dialog.current?.showModal();
  }, [isOpen.value]);
  if (!isOpen.value) return null;
  const keys: readonly (readonly [keys: string, what: string])[] = [
    ["?", "this list"],
    ["/", "to the first filter"],
    ["j, k, ↓, ↑", "next and previous row of a table"],
    ["Enter", "open the row, press the button"],
    ["x, Space", "choose the row of a table"],
    ["Space", "open what is folded, tick a box"],
    ["Tab", "to the next link, field or button"],
    ["Esc", "leave a field, close this list"],
    ...rooms.map(({ letter, name }) => [`g ${letter}`, name] as const),
  ];
  return (
    <dialog ref={dialog} aria-labelledby="help-title" onClose={() => (isOpen.value = false)}>
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit" class="main">
          Close
        </button>
      </form>
    </dialog>
  );
}

function useKeys(): void {
  useEffect(() => {
    let goneMs = Number.NEGATIVE_INFINITY;
    const pressed = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.matches("input:not([type=checkbox], [type=radio]), textarea, select")) {
        if (event.key === "Escape") target.blur();
        return;
      }
      const room = Date.now() - goneMs < goMs ? rooms.find(({ letter }) => letter === event.key) : undefined;
      goneMs = event.key === "g" ? Date.now() : Number.NEGATIVE_INFINITY;
      if (room !== undefined) goTo(room.path === "" ? [] : [room.path]);
      else if (event.key === "?") openHelp();
      else if (event.key === "/") document.querySelector<HTMLElement>("main .filters input")?.focus();
      else if ((event.key === "j" || event.key === "k") && target.closest(".table") === null)
        document.querySelector<HTMLElement>("main .table tbody a")?.focus();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}
