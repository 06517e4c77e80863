// Draws openapi.json as a page: routes by door, each with its parameters, answers and a call of curl. Texts of the
// document only ever become text nodes.
"use strict";

const methods = ["get", "post", "put", "patch", "delete"];

// make("p", {class: "quiet"}, "text", child, ...)
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// `code` in backquotes is all the markup that descriptions have here.
function prose(text, attributes) {
  const pieces = String(text || "").split("`");
  return make("p", attributes, ...pieces.map((piece, i) => (i % 2 ? make("code", null, piece) : piece)));
}

function table(head, rows) {
  const line = (kind, cells) => make("tr", null, ...cells.map((cell) => make(kind, null, cell)));
  const body = make("tbody", null, ...rows.map((cells) => line("td", cells)));
  return make("div", {class: "wide"}, make("table", null, make("thead", null, line("th", head)), body));
}

// Follows "#/components/..." until there is no further reference.
function resolve(api, thing) {
  while (thing && thing.$ref)
    thing = thing.$ref.slice(2).split("/").reduce((at, name) => at[name.replace(/~1/g, "/")], api);
  return thing;
}

function shell(text) {
  return "'" + text.replace(/'/g, "'\\''") + "'";
}

function exampleOf(api, content) {
  if (!content) return undefined;
  if (content.examples) return resolve(api, Object.values(content.examples)[0]).value;
  return content.example;
}

function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function bodyOf(operation) {
  return operation.requestBody && operation.requestBody.content["application/json"];
}

// With the examples of its required parameters; what has none is named in capitals, to be set in the shell.
function curl(api, method, path, operation) {
  const parameters = (operation.parameters || []).map((each) => resolve(api, each));
  const url = path.replace(/\{(\w+)\}/g, (all, name) => "$" + name.toUpperCase());
  const query = parameters.filter((each) => each.in === "query" && each.required)
    .map((each) => each.name + "=$" + each.name.toUpperCase()).join("&");
  const lines = ["curl -s" + (method === "get" ? "" : " -X " + method.toUpperCase()) +
                 ' "$BASE' + url + (query ? "?" + query : "") + '"'];
  if (!operation.security || operation.security.length > 0) lines.push('-H "X-API-Key: $KEY"');
  const example = exampleOf(api, bodyOf(operation));
  if (example !== undefined) {
    lines.push("-H 'Content-Type: application/json'");
    lines.push("-d " + shell(JSON.stringify(example)));
  }
  return lines.join(" \\\n    ");
}

// One line on what a schema asks for.
function rule(api, schema) {
  const name = schema.$ref ? schema.$ref.split("/").pop() : "";
  const whole = resolve(api, schema);
  const words = [];
  if (whole.const !== undefined) words.push(JSON.stringify(whole.const));
  else if (whole.enum) words.push(whole.enum.map((each) => JSON.stringify(each)).join(" | "));
  else if (whole.type === "array" && whole.items) words.push("list of " + rule(api, whole.items));
  else if (whole.type) words.push([].concat(whole.type).join(" | "));
  else if (whole.oneOf || whole.anyOf)
    words.push((whole.oneOf || whole.anyOf).map((each) => each.title || rule(api, each)).join(" | "));
  if (whole.minimum !== undefined) words.push(`from ${whole.minimum} to ${whole.maximum}`);
  if (whole.maxItems !== undefined) words.push(`at most ${whole.maxItems}`);
  return words.join(", ") || name;
}

function members(api, schema) {
  const whole = resolve(api, schema);
  const needed = new Set(whole.required || []);
  return table(["member", "value", ""], Object.entries(whole.properties || {}).map(([name, each]) => [
    make("code", null, name), rule(api, each),
    prose((needed.has(name) ? "Required. " : "") + (each.description || resolve(api, each).description || ""))]));
}

function inputs(api, operation) {
  const parts = [];
  const parameters = (operation.parameters || []).map((each) => resolve(api, each));
  if (parameters.length)
    parts.push(make("h3", null, "Parameters"), table(["name", "in", "value", ""], parameters.map((each) => [
      make("code", null, each.name), each.in, rule(api, each.schema),
      prose((each.required ? "Required. " : "") + (each.description || ""))])));
  const body = bodyOf(operation);
  if (body) parts.push(make("h3", null, "Body"), members(api, body.schema));
  return parts;
}

function answers(api, operation) {
  const rows = Object.entries(operation.responses).map(([status, answer]) => {
    const whole = resolve(api, answer);
    return [make("code", null, status), prose(whole.description),
            make("code", null, Object.keys(whole.content || {}).join(", "))];
  });
  const good = Object.entries(operation.responses).find(([status]) => status[0] === "2");
  const content = good && resolve(api, good[1]).content;
  const example = content && exampleOf(api, Object.values(content)[0]);
  return [make("h3", null, "Answers"), table(["status", "when", "type"], rows),
          example === undefined ? null : make("pre", null, pretty(example))];
}

function route(api, method, path, operation) {
  const head = make("summary", null, make("code", {class: "method " + method.toUpperCase()}, method.toUpperCase()),
                    make("code", {class: "path"}, path), make("span", {class: "says"}, operation.summary));
  const parts = make("div", null, operation.description ? prose(operation.description) : null,
                     make("pre", null, curl(api, method, path, operation)),
                     ...inputs(api, operation), ...answers(api, operation));
  return make("details", {id: operation.operationId}, head, parts);
}

function door(api, tag) {
  const section = make("section", {id: tag.name}, make("h2", null, tag.name), prose(tag.description, {class: "quiet"}));
  for (const [path, item] of Object.entries(api.paths))
    for (const method of methods)
      if (item[method] && item[method].tags.includes(tag.name))
        section.append(route(api, method, path, item[method]));
  return section;
}

function draw(api) {
  document.getElementById("about").replaceWith(prose(api.info.description, {class: "quiet"}));
  for (const tag of api.tags) {
    document.getElementById("doors").append(
      make("li", null, make("a", {href: "#" + encodeURIComponent(tag.name)}, tag.name)));
    document.getElementById("routes").append(door(api, tag));
  }
  const chosen = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (chosen) chosen.scrollIntoView();
}

fetch("openapi.json")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error("HTTP " + answer.status))))
  .then(draw)
  .catch((error) => document.getElementById("routes").append(
    make("p", {role: "alert"}, "openapi.json could not be shown: " + error.message)));
