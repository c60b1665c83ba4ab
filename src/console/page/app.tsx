/** The frame of the page: where one can go, who one is, whether the service answers; and the view that the address names. */
import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { connection, loggedOut } from "./base/api.ts";
import { place } from "./base/place.ts";
import { isOld, session } from "./base/session.ts";
import { Header } from "./frame/header.tsx";
import { Help } from "./frame/help.tsx";
import { LogIn } from "./frame/log-in.tsx";
import { Readiness } from "./frame/readiness.tsx";
import { viewOf } from "./frame/views.tsx";
import { Time } from "./parts/text.tsx";

export function App() {
  const main = useRef<HTMLElement>(null);
  const { path } = place.value;
  const address = path.join("/");
  useTitle(main, address);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.querySelector("h1")?.focus()}>
        To the content
      </button>
      <Header />
      <div role="status" aria-live="polite">
        {connection.value !== null && (
          <p class="notice bad">
            {connection.value.why} Since <Time at={new Date(connection.value.since).toISOString()} />. It is asked again every few seconds; what you typed
            stays.
          </p>
        )}
        {session.value !== null && !loggedOut.value && connection.value === null && <Readiness />}
        {isOld.value && (
          <p class="notice">
            The service was exchanged for another build.{" "}
            <button type="button" onClick={() => location.reload()}>
              Load its page
            </button>
          </p>
        )}
      </div>
      {loggedOut.value && <LogIn />}
      {/* What was being typed stays in the page while somebody logs in again. */}
      <main ref={main} id="main" hidden={loggedOut.value}>
        {session.value !== null && viewOf(place.value)}
      </main>
      <Help />
    </>
  );
}

/** Another view is told by its title, and begins at its heading. */
function useTitle(main: { readonly current: HTMLElement | null }, address: string): void {
  const before = useRef(address);
  useEffect(() => {
    const heading = main.current?.querySelector("h1");
    document.title = `${heading?.textContent ?? "Console"} · Reprise`;
    if (before.current === address) return;
    before.current = address;
    heading?.focus();
    window.scrollTo(0, 0);
  });
  useSignalEffect(() => {
    if (session.value === null) document.title = "Console · Reprise";
  });
}
