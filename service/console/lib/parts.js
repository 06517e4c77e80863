/**
 * What the views of owners and admins share: facts in pairs, marks of a state, tags, parts of a form.
 */
import {el, newId, said} from "./dom.js";
import {wrap} from "./fields.js";
import {t} from "./texts.js";

/** A state in a word with a dot that has a shape besides its colour. `kind` is a status of parts.css. */
export function mark(kind, words) {
    return el("span", {class: `status ${kind}`}, el("span", {class: "dot", "aria-hidden": "true"}), words);
}

/** Pairs of a name and its value; those without a value are left out. */
export function facts(pairs) {
    const given = pairs.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "");
    return el("dl", {class: "facts"}, given.map(([name, value]) =>
        el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** A part of a page with its heading. */
export function panel(title, ...children) {
    return el("section", {class: "panel"}, el("h2", {}, title), children);
}

/** Texts of people, one after the other. */
export function saidList(texts) {
    return texts.flatMap((text, i) => [i > 0 && ", ", said(text)]);
}

/** "a, b ,,c" -> ["a", "b", "c"], each once. */
export function wordsOf(text) {
    return [...new Set(text.split(/[,\n]/).map(each => each.trim()).filter(Boolean))];
}

/** A group of boxes of which any may be ticked: {node, values()}. `choices`: [{value, label, hint, checked}] */
export function boxGroup({legend, hint, choices}) {
    const hintId = hint && newId("hint");
    const boxes = choices.map(choice => {
        const own = choice.hint && newId("hint");
        const input = el("input", {type: "checkbox", value: choice.value, checked: Boolean(choice.checked),
                                   "aria-describedby": own});
        return {input, node: el("div", {class: "choice"},
                                el("label", {}, input, el("span", {class: "choice-label"}, choice.label)),
                                own && el("span", {class: "hint", id: own}, choice.hint))};
    });
    const node = el("fieldset", {class: "choices", "aria-describedby": hintId}, el("legend", {}, legend),
                    hint && el("p", {class: "hint", id: hintId}, hint),
                    el("div", {class: "boxes"}, boxes.map(box => box.node)));
    return {node, values: () => boxes.filter(box => box.input.checked).map(box => box.input.value)};
}

const UNITS = {h: 3600, d: 86400};
const SECONDS = {s: 1, m: 60, h: 3600, d: 86400};

/* "36h" -> [36, "h"], "14d" -> [14, "d"], "90m" -> [1.5, "h"]; nothing: ["", "d"]. */
function split(text) {
    const [, number, unit] = /^(\d+)([smhd])$/.exec(text || "") || [];
    if (!number)
        return ["", "d"];
    return unit in UNITS ? [Number(number), unit] : [Number(number) * SECONDS[unit] / 3600, "h"];
}

/**
 * A time span as a number with its unit: {node, input, fail, text()}. text() is null where nothing is typed, and `value`
 * itself as long as nothing was changed: it may be one that nobody would type, such as 90 seconds.
 */
export function spanField({label, hint, name, value}) {
    const [number, unit] = split(value);
    const input = el("input", {class: "input", type: "text", inputmode: "numeric", name, value: number});
    const units = el("select", {class: "input", "aria-label": t("span.unitOf", {label})},
                     Object.keys(UNITS).map(each => el("option", {value: each, selected: each === unit}, t(`span.unit.${each}`))));
    const field = wrap(input, {label, hint, beside: units});
    const isKept = () => input.value.trim() === String(number) && units.value === unit;
    const typed = () => input.value.trim() ? input.value.trim() + units.value : null;
    return {...field, units, text: () => isKept() ? value ?? null : typed(),
            isNumber: () => isKept() || !input.value.trim() || /^[1-9]\d{0,5}$/.test(input.value.trim())};
}
