import { render } from "preact";
import "./style.css";

render(<h1>Reprise</h1>, document.getElementById("page")!);
