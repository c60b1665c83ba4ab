/** Where one can go, whose things are looked at, and who one is. */
import { useEffect, useRef } from "preact/hooks";
import { changeQuery, hrefOf, place } from "../base/place.ts";
import { logOut, session } from "../base/session.ts";
import { Text } from "../parts/text.tsx";
import { openHelp } from "./help.tsx";
import { rooms } from "./views.tsx";

export function Header() {
  const { path, query } = place.value;
  const who = session.value;
  const nav = useRef<HTMLElement>(null);
  // On a telephone the row of views is wider than the page.
  useEffect(() => {
    const here = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (here && nav.current) nav.current.scrollLeft = here.offsetLeft - (nav.current.clientWidth - here.offsetWidth) / 2;
  }, [path[0]]);
  return (
    <header>
      <nav aria-label="Views" ref={nav}>
        {rooms.map((room) => (
          <a key={room.path} href={hrefOf(room.path === "" ? [] : [room.path])} aria-current={(path[0] ?? "") === room.path ? "page" : undefined}>
            {room.name}
          </a>
        ))}
      </nav>
      <div class="who">
        {who?.of_all_tenants && (
          <label>
            Tenant{" "}
            <input
              value={query.tenant ?? "default"}
              size={12}
              spellcheck={false}
              autocomplete="off"
              onChange={(event) => changeTenant(event.currentTarget.value)}
            />
          </label>
        )}
        {who !== null && (
          <span class="actor">
            <Text of={who.actor} max={40} /> <span class="soft">({who.role})</span>
          </span>
        )}
        {who?.keys && (
          <button type="button" class="quiet" onClick={() => void logOut()}>
            Log out
          </button>
        )}
        <button type="button" class="quiet" onClick={openHelp} aria-label="Keys of the keyboard">
          ?
        </button>
      </div>
    </header>
  );
}

function changeTenant(tenant: string): void {
  const given = tenant.trim();
  changeQuery({ tenant: given === "" || given === "default" ? undefined : given });
}
