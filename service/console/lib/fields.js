/**
 * Form fields: label, hint and error belong to the input by id, and the error stands beside it.
 *
 * Each maker returns {node, input, fail(text)}: fail("words") marks the input invalid and says why, fail(null)
 * takes that back. focusFirst() leads to the first field that failed. Names are those of the API.
 */
import {el, newId} from "./dom.js";

function described(node, input, ids, error) {
    const fail = text => {
        error.textContent = text || "";
        error.hidden = !text;
        node.classList.toggle("wrong", Boolean(text));
        if (text)
            input.setAttribute("aria-invalid", "true");
        else
            input.removeAttribute("aria-invalid");
        const all = [...ids, text && error.id].filter(Boolean).join(" ");
        if (all)
            input.setAttribute("aria-describedby", all);
        else
            input.removeAttribute("aria-describedby");
    };
    fail(null);
    return fail;
}

/** Puts a label, a hint and an error around an input. `beside` stands in the input's line. */
export function wrap(input, {label, hint = null, beside = null}) {
    input.id ||= newId("field");
    const hintId = hint && newId("hint");
    const error = el("p", {class: "field-error", id: newId("error"), hidden: true});
    const node = el("div", {class: "field"}, el("label", {for: input.id}, label),
                    hint && el("p", {class: "hint", id: hintId}, hint),
                    beside ? el("div", {class: "field-line"}, input, beside) : input, error);
    return {node, input, error, fail: described(node, input, [hintId], error)};
}

export function textField({label, hint, beside, multiline = false, ...attributes}) {
    const [tag, type] = multiline ? ["textarea", null] : ["input", "text"];
    const input = el(tag, {class: "input", type, ...attributes});
    return wrap(input, {label, hint, beside});
}

/** `options`: [[value, words], ...] */
export function selectField({label, hint, options, value = "", ...attributes}) {
    const input = el("select", {class: "input", ...attributes},
                     options.map(([key, words]) => el("option", {value: key, selected: key === value}, words)));
    return wrap(input, {label, hint});
}

/** One box with its words; `hint` in a second line. */
export function checkBox({label, hint = null, ...attributes}) {
    const hintId = hint && newId("hint");
    const input = el("input", {type: "checkbox", "aria-describedby": hintId, ...attributes});
    const node = el("div", {class: "choice"}, el("label", {}, input, el("span", {class: "choice-label"}, label)),
                    hint && el("span", {class: "hint", id: hintId}, hint));
    return {node, input};
}

/** A group of choices of which one holds: {node, value, choose(value), onChange}. `choices`: [{value, label, hint}] */
export function radioGroup({name, legend, choices, value, kind = "", onChange = () => {}}) {
    const inputs = choices.map(choice => el("input", {
        type: "radio", name, value: choice.value, checked: choice.value === value, disabled: Boolean(choice.disabled),
        onchange: () => onChange(choice.value)}));
    const labels = choices.map((choice, i) => {
        const hintId = choice.hint && newId("hint");
        if (hintId)
            inputs[i].setAttribute("aria-describedby", hintId);
        return el("div", {class: "choice"},
                  el("label", {}, inputs[i], el("span", {class: "choice-label"}, choice.label)),
                  choice.hint && el("span", {class: "hint", id: hintId}, choice.hint));
    });
    const node = el("fieldset", {class: `choices ${kind}`.trim()}, el("legend", {}, legend),
                    el("div", {class: "choice-list"}, labels));
    return {node, inputs, get value() {
        return inputs.find(input => input.checked)?.value;
    }};
}

/** Leads to the first input that is marked invalid; true when there is one. */
export function focusFirst(place) {
    const input = place.querySelector("[aria-invalid=true]");
    input?.focus();
    return Boolean(input);
}
