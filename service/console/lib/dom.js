/**
 * Elements without markup in strings: whatever people wrote reaches the page as text alone.
 *
 * el("button", {class: "button", onclick: fn}, "Words", otherNode) makes an element. Attributes that
 * are null, undefined or false are left out, true is an attribute without a value, a function is a
 * listener. There is no way to set HTML or a style: the page's policy would refuse the latter.
 */

const PROPERTIES = new Set(["value", "checked", "indeterminate", "selected"]);

function setAttribute(node, name, value) {
    if (typeof value === "function")
        node.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name))
        node[name] = value;
    else if (value === true)
        node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined)
        node.setAttribute(name, String(value));
}

/** An element with its attributes and children; nested lists are flattened, null and false left out. */
export function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
        setAttribute(node, name, value);
    put(node, ...children);
    return node;
}

/** Appends children; text becomes text nodes. */
export function put(node, ...children) {
    for (const child of children.flat(Infinity))
        if (child !== null && child !== undefined && child !== false)
            node.append(child);
    return node;
}

/** Replaces all that is in the node. */
export function fill(node, ...children) {
    node.replaceChildren();
    return put(node, ...children);
}

/** A name or text from people: its own direction, so that a right-to-left name leaves the rest in order. */
export function said(text, tag = "bdi", attributes = {}) {
    return el(tag, {dir: "auto", ...attributes}, text);
}

let counter = 0;
/** An id that no other element has. */
export function newId(prefix = "e") {
    counter += 1;
    return `${prefix}-${counter}`;
}

const PATHS = {
    plus: "M8 3v10M3 8h10",
    download: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13h10",
    open: "M6.5 3.5H3.5v9h9v-3M9.5 3h3.5v3.5M12.8 3.2 7.5 8.5",
    link: "M6.7 9.3a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.8.8" +
        "M9.3 6.7a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.8-.8",
    trash: "M3 4.5h10M6.3 4.5V3h3.4v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M6.8 7v3.7M9.2 7v3.7",
    stop: "M4.5 4.5l7 7M11.5 4.5l-7 7",
    refresh: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.6h-2.6",
    again: "M3 8a5 5 0 1 0 1.6-3.7M3 2.5v2.6h2.6",
    back: "M9.5 3.5 5 8l4.5 4.5",
    check: "M3.5 8.5 6.5 11.5 12.5 4.5",
    out: "M9.5 3h3.5v10H9.5M3 8h6.5M6.8 5.2 9.6 8l-2.8 2.8",
    search: "M7 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8M10 10l3.2 3.2",
};

/** A small picture beside words; nothing for those who listen. */
export function icon(name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    for (const [key, value] of Object.entries({viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true"}))
        svg.setAttribute(key, value);
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", PATHS[name]);
    svg.append(path);
    return svg;
}

/** A button with words, and a picture beside them when `picture` names one. */
export function button(words, {picture = null, kind = "", ...attributes} = {}) {
    return el("button", {type: "button", class: `button ${kind}`.trim(), ...attributes},
              picture && icon(picture), el("span", {}, words));
}

/** The same for a place to go to. */
export function linkButton(words, href, {picture = null, kind = "", ...attributes} = {}) {
    return el("a", {href, class: `button ${kind}`.trim(), ...attributes}, picture && icon(picture),
              el("span", {}, words));
}
