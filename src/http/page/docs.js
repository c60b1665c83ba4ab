/** Shows openapi.json. It asks this service for that document and for nothing else; a key that is typed in stays in this page's memory. */

/** An element with its content: text, other elements, or a list of both. */
function make(tag, attributes, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content.flat());
  return element;
}

const at = (id) => document.getElementById(id);

/** A schema in a few words, as in `{ id: text, events: [Event] }`. */
function words(schema, indent = "") {
  if (schema === undefined || schema === true || Object.keys(schema).length === 0) return "anything";
  if (schema.$ref !== undefined) return schema.$ref.split("/").at(-1);
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return either.map((one) => words(one, indent)).join(" | ");
  if (schema.allOf !== undefined) return schema.allOf.map((one) => words(one, indent)).join(" & ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `[${words(schema.items, indent)}]`;
  if (schema.properties !== undefined) return membersIn(schema, indent);
  if (schema.type === "object") return `{ any name: ${words(schema.additionalProperties, indent)} }`;
  return [schema.type ?? "anything", schema.format].filter((part) => part !== undefined).join(" ");
}

function membersIn({ properties, required = [] }, indent) {
  const deeper = `${indent}  `;
  const lines = Object.entries(properties).map(([name, schema]) => `${deeper}${name}${required.includes(name) ? "" : "?"}: ${words(schema, deeper)}`);
  return lines.length === 0 ? "{}" : `{\n${lines.join("\n")}\n${indent}}`;
}

function limits({ minimum, maximum, default: standard, maxLength }) {
  const said = [
    minimum === undefined ? null : `from ${minimum}`,
    maximum === undefined ? null : `at most ${maximum}`,
    maxLength === undefined ? null : `at most ${maxLength} characters`,
    standard === undefined ? null : `default ${standard}`,
  ].filter((part) => part !== null);
  return said.length === 0 ? "" : ` (${said.join(", ")})`;
}

function parameterItems(parameters) {
  return parameters.flatMap(({ name, in: place, required, schema, description = "" }) => [
    make("dt", {}, make("code", {}, place === "path" ? `{${name}}` : `?${name}`), required ? "" : " (optional)"),
    make("dd", {}, `${words(schema)}${limits(schema)} ${description}`),
  ]);
}

function contentBlocks(content) {
  return Object.entries(content).map(([type, { schema }]) => [make("span", { class: "soft" }, type), make("pre", {}, words(schema))]);
}

function operationSection(path, method, operation) {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  return make(
    "section",
    { id: operationId },
    make(
      "details",
      {},
      make("summary", {}, make("code", {}, make("span", { class: "method" }, method.toUpperCase()), path), ` ${summary}`),
      make("p", {}, description),
      parameters.length === 0 ? [] : make("dl", {}, parameterItems(parameters)),
      requestBody === undefined ? [] : [make("h3", {}, "Body"), ...contentBlocks(requestBody.content)],
      make("h3", {}, "Answers"),
      make(
        "dl",
        {},
        Object.entries(responses).flatMap(([status, answer]) => [
          make("dt", {}, status),
          make("dd", {}, make("div", {}, answer.description), Number(status) < 400 ? contentBlocks(answer.content).flat() : []),
        ]),
      ),
    ),
  );
}

function schemaSection(name, schema) {
  return make("section", { id: `schema-${name}` }, make("details", {}, make("summary", {}, make("code", {}, name)), make("pre", {}, words(schema))));
}

function show({ info, tags, paths, components }) {
  at("version").textContent = info.version;
  const operations = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
  const link = (id, text) => make("li", {}, make("a", { href: `#${id}` }, text));
  const groups = tags.map(({ name }) => ({ name, own: operations.filter(({ operation }) => operation.tags.includes(name)) }));
  at("contents").replaceChildren(
    ...groups.flatMap(({ name, own }) => [
      make("strong", {}, name),
      make(
        "ul",
        {},
        own.map(({ path, method, operation }) => link(operation.operationId, `${method.toUpperCase()} ${path}`)),
      ),
    ]),
  );
  at("routes").replaceChildren(
    make("p", { class: "soft" }, info.description),
    ...groups.flatMap(({ name, own }) => [make("h2", {}, name), ...own.map(({ path, method, operation }) => operationSection(path, method, operation))]),
    make("h2", {}, "Shapes"),
    ...Object.entries(components.schemas).map(([name, schema]) => schemaSection(name, schema)),
  );
  openNamed();
  find();
}

function find() {
  const wanted = at("find").value.trim().toLowerCase();
  for (const section of document.querySelectorAll("section")) section.hidden = wanted !== "" && !section.textContent.toLowerCase().includes(wanted);
}

/** The part that the address names is open. */
function openNamed() {
  const details = at(decodeURIComponent(location.hash.slice(1)))?.querySelector("details");
  if (!details) return;
  details.open = true;
  details.scrollIntoView();
}

async function read() {
  const key = at("key").value.trim();
  const answer = await fetch("openapi.json", key === "" ? {} : { headers: { authorization: `Bearer ${key}` } });
  const body = await answer.json();
  at("key-label").hidden = answer.ok && key === "";
  at("state").textContent = answer.ok ? "" : `${body.detail} ${body.remedy}`;
  if (answer.ok) show(body);
}

function failed() {
  at("state").textContent = "The service cannot be reached: reload this page when it runs.";
}

at("find").addEventListener("input", find);
at("key").addEventListener("change", () => read().catch(failed));
addEventListener("hashchange", openNamed);
read().catch(failed);
