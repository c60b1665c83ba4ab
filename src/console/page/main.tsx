/** The console: a page for the person on call. It knows nothing but the HTTP interface. */
import { render } from "preact";
import { App } from "./app.tsx";
import { findSession } from "./base/session.ts";
import "./style.css";

render(<App />, document.getElementById("page")!);
void findSession();
