// Draws openapi.json as a page: routes by door, each with a call of curl, its parameters and its answers. Texts of the
// document only ever become text nodes.
"use strict";

const methods = ["get", "post", "put", "patch", "delete"];
const narrow = matchMedia("(max-width: 56rem)"); // as in docs.html

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

// Follows "#/components/..." until there is no further reference.
function resolve(api, thing) {
  while (thing && thing.$ref)
    thing = thing.$ref.slice(2).split("/").reduce((at, name) => at[name.replace(/~1/g, "/")], api);
  return thing;
}

function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function inline(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

// --- what can be copied ---

// Without a secure origin there is no clipboard for scripts: then the text is selected, for the keyboard to copy.
function copy(button, text) {
  const done = (word) => {
    button.textContent = word;
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };
  const select = () => {
    getSelection().selectAllChildren(text);
    done(document.execCommand("copy") ? "Copied" : "Selected");
  };
  if (navigator.clipboard) navigator.clipboard.writeText(text.textContent).then(() => done("Copied"), select);
  else select();
}

function sample(text, caption) {
  const code = make("code", null, text);
  const button = make("button", {type: "button"}, "Copy");
  button.addEventListener("click", () => copy(button, code));
  return make("figure", null, make("figcaption", null, caption), make("pre", {tabindex: "0"}, code), button);
}

// --- a call of curl ---

function shell(text) {
  return "'" + text.replace(/'/g, "'\\''") + "'";
}

// [name, value] of all examples of a media type; a single one may have no name.
function examplesOf(api, media) {
  if (media.examples)
    return Object.entries(media.examples).map(([name, each]) => {
      const whole = resolve(api, each);
      return [whole.summary || name, whole.value];
    });
  return media.example === undefined ? [] : [["", media.example]];
}

function bodyOf(operation) {
  return operation.requestBody && operation.requestBody.content["application/json"];
}

function parametersOf(api, operation) {
  return (operation.parameters || []).map((each) => resolve(api, each));
}

// What a path or a query needs is named in capitals, to be set in the shell.
function curl(api, method, path, operation, body) {
  const url = path.replace(/\{(\w+)\}/g, (all, name) => "$" + name.toUpperCase());
  const query = parametersOf(api, operation).filter((each) => each.in === "query" && each.required)
    .map((each) => each.name + "=$" + each.name.toUpperCase()).join("&");
  const lines = ["curl -s" + (method === "get" ? "" : " -X " + method.toUpperCase()) +
                 ' "$BASE' + url + (query ? "?" + query : "") + '"'];
  if (!operation.security || operation.security.length > 0) lines.push('-H "X-API-Key: $KEY"');
  if (body !== undefined)
    lines.push("-H 'Content-Type: application/json'", "-d " + shell(pretty(body).replace(/\n/g, "\n    ")));
  return lines.join(" \\\n    ");
}

function more(title, children) {
  return children.length ? make("details", {class: "more"}, make("summary", null, title), ...children) : null;
}

function calls(api, method, path, operation) {
  const body = bodyOf(operation);
  const bodies = body ? examplesOf(api, body) : [["", undefined]];
  const [first, ...others] = bodies.map(
    ([name, value]) => sample(curl(api, method, path, operation, value), name || "curl"));
  return [first, more(`${others.length} more ${others.length === 1 ? "example" : "examples"}`, others)];
}

// --- what goes in ---

// A schema without the alternative that it may be null.
function present(api, schema) {
  const whole = resolve(api, schema);
  const kinds = (whole.anyOf || []).filter((each) => each.type !== "null");
  return kinds.length === 1 && whole.anyOf.length === 2 ? resolve(api, kinds[0]) : whole;
}

function count(low, high, what) {
  if (low === undefined && high === undefined) return [];
  if (high === undefined) return low > 1 ? [`at least ${low}${what}`] : [];
  return [low === undefined ? `at most ${high}${what}` : `${low} to ${high}${what}`];
}

// One line on what a schema asks for.
function rule(api, schema) {
  const whole = present(api, schema);
  const choice = whole.oneOf || whole.anyOf;
  const words = [];
  if (whole.const !== undefined) words.push(JSON.stringify(whole.const));
  else if (whole.enum) words.push(whole.enum.filter((each) => each !== null).join(" | "));
  else if ([].concat(whole.type || []).includes("array")) words.push("list of " + rule(api, whole.items));
  else if (choice && !whole.properties) words.push(choice.map((each) => each.title || rule(api, each)).join(" | "));
  else if (whole.type) words.push([].concat(whole.type).filter((each) => each !== "null").join(" | "));
  words.push(...count(whole.minimum, whole.maximum, ""), ...count(whole.minItems, whole.maxItems, " items"),
             ...count(whole.minLength, whole.maxLength, " characters"));
  if (whole.format) words.push(whole.format);
  return words.filter((word) => word).join(", ");
}

function field(name, small, needed, rest) {
  return make("div", null,
              make("dt", null, make("code", null, name), make("small", null, small,
                   needed ? make("span", {class: "needed"}, small ? " · required" : "required") : null)),
              make("dd", null, ...rest));
}

// Members of an object; of a choice between objects, all that one of them may have.
function membersOf(api, schema) {
  const whole = present(api, schema);
  const found = {};
  const sources = whole.properties ? [whole] : whole.oneOf || [];
  for (const source of sources)
    for (const [name, each] of Object.entries(resolve(api, source).properties || {}))
      if (!found[name] || found[name].type === "null") found[name] = each;
  return {names: found, needed: new Set(whole.required || [])};
}

function members(api, schema) {
  const {names, needed} = membersOf(api, schema);
  return make("dl", null, ...Object.entries(names).map(([name, each]) => {
    const inner = membersOf(api, each);
    return field(name, "", needed.has(name), [
      prose(each.description || present(api, each).description),
      Object.keys(inner.names).length ? members(api, each) : make("p", {class: "rule"}, rule(api, each))]);
  }));
}

function inputs(api, operation) {
  const parts = [];
  const parameters = parametersOf(api, operation);
  if (parameters.length)
    parts.push(make("h4", null, "Parameters"), make("dl", null, ...parameters.map((each) => field(
      each.name, each.in, each.required, [
        prose(each.description), make("p", {class: "rule"}, rule(api, each.schema)),
        each.example === undefined ? null
          : make("p", {class: "rule"}, "for example ", make("code", null, inline(each.example)))]))));
  const body = bodyOf(operation);
  if (body) parts.push(make("h4", null, "Body"), members(api, body.schema));
  return parts;
}

// --- what comes out ---

function answer(api, status, response) {
  const whole = resolve(api, response);
  const content = Object.entries(whole.content || {});
  const examples = content.flatMap(
    ([type, media]) => examplesOf(api, media).map(([, value]) => sample(pretty(value), type)));
  const others = content.filter(([, media]) => !examplesOf(api, media).length).map(([type]) => type).join(", ");
  const line = [make("code", {class: "status s" + status[0]}, status),
                make("div", null, prose(whole.description), others ? make("small", null, others) : null)];
  if (!examples.length) return make("div", {class: "answer plain"}, ...line);
  const open = status[0] === "2" ? {class: "answer", open: ""} : {class: "answer"};
  return make("details", open, make("summary", null, ...line), ...examples);
}

function answers(api, operation) {
  return [make("h4", null, "Answers"),
          ...Object.entries(operation.responses).map(([status, response]) => answer(api, status, response))];
}

// --- the page ---

function badge(method) {
  return make("code", {class: "method " + method.toUpperCase()}, method.toUpperCase());
}

function route(api, method, path, operation) {
  const pieces = path.split(/(\{\w+\})/).map((piece) => (piece[0] === "{" ? make("var", null, piece) : piece));
  return make("article", {id: operation.operationId},
              make("h3", null, make("a", {href: "#" + operation.operationId}, operation.summary)),
              make("div", {class: "target"}, badge(method), make("code", {class: "path"}, ...pieces)),
              operation.description ? prose(operation.description) : null,
              ...calls(api, method, path, operation), ...inputs(api, operation), ...answers(api, operation));
}

function link(id, ...children) {
  return make("a", {href: "#" + encodeURIComponent(id)}, ...children);
}

function door(api, tag) {
  const section = make("section", {id: tag.name}, make("h2", null, tag.name), prose(tag.description, {class: "quiet"}));
  const list = make("ul", null);
  for (const [path, item] of Object.entries(api.paths))
    for (const method of methods)
      if (item[method] && item[method].tags.includes(tag.name)) {
        section.append(route(api, method, path, item[method]));
        list.append(make("li", null, link(item[method].operationId, badge(method),
                                          make("span", null, item[method].summary))));
      }
  document.getElementById("doors").append(make("li", null, link(tag.name, tag.name), list));
  document.getElementById("routes").append(section);
}

// The contents show where one reads: at the last heading above a third of the window.
function follow(articles, side) {
  let shown = null, asked = false;
  const look = () => {
    asked = false;
    const above = articles.filter((each) => each.getBoundingClientRect().top < innerHeight / 3);
    const id = above.length ? above[above.length - 1].id : "";
    const entry = id ? side.querySelector(`a[href="#${id}"]`) : null;
    if (entry === shown) return;
    if (shown) shown.removeAttribute("aria-current");
    if (entry) entry.setAttribute("aria-current", "true");
    shown = entry;
    if (entry && !narrow.matches) entry.scrollIntoView({block: "nearest"});
  };
  addEventListener("scroll", () => {
    if (!asked) requestAnimationFrame(look);
    asked = true;
  }, {passive: true});
  look();
}

// Beside the text the contents are open; above it, on a phone, they open on demand and close behind a choice.
function unfold() {
  const contents = document.getElementById("contents");
  const fit = () => (contents.open = !narrow.matches);
  narrow.addEventListener("change", fit);
  contents.addEventListener("click", (event) => {
    if (narrow.matches && event.target.closest("a")) contents.open = false;
  });
  fit();
}

function draw(api) {
  const base = new URL(".", location.href).href.replace(/\/$/, "");
  document.getElementById("routes").append(make("div", {id: "lead"},
    make("h2", null, api.info.summary || api.info.title), prose(api.info.description),
    make("p", null, "All of this for programs: ", make("a", {href: "openapi.json"}, "openapi.json"), "."),
    sample(`BASE=${shell(base)}\nKEY='vb_...'`, "What the examples below begin with")));
  for (const tag of api.tags) door(api, tag);
  unfold();
  follow([...document.querySelectorAll("article")], document.getElementById("side"));
  const chosen = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (chosen) chosen.scrollIntoView();
}

fetch("openapi.json")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error("HTTP " + answer.status))))
  .then(draw)
  .catch((error) => document.getElementById("routes").append(
    make("p", {role: "alert"}, "openapi.json could not be shown: " + error.message)));
