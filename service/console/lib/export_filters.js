/**
 * The filters above the list of exports. Their values are the address's parameters, by the API's names.
 *
 * exportFilters(query, changed) gives {node, query(), isSet(), clear()}; `changed(query)` is called when a value
 * was chosen (texts: when the field is left or Enter pressed).
 */
import {button, el, icon} from "./dom.js";
import {selectField, textField} from "./fields.js";
import {session} from "./session.js";
import {t, word} from "./texts.js";

const STATUSES = ["queued,started", "finished", "failed", "cancelled"];
const NAMES = ["status", "format", "requested_by", "from", "to", "door"];

function fields(query) {
    const any = [["", t("filter.any")]];
    const statuses = STATUSES.map(value => [value, value.includes(",") ? t("filter.active") : word("status", value)]);
    return {
        status: selectField({label: t("filter.status"), value: query.get("status") || "",
                             options: [...any, ...statuses]}),
        format: selectField({label: t("filter.format"), value: query.get("format") || "",
                             options: [...any, ...session.formats.map(value => [value, word("format", value)])]}),
        requested_by: textField({label: t("filter.by"), value: query.get("requested_by") || "", spellcheck: "false",
                                 autocapitalize: "off"}),
        from: textField({label: t("filter.from"), type: "date", value: query.get("from") || ""}),
        to: textField({label: t("filter.to"), type: "date", value: query.get("to") || ""}),
    };
}

export function exportFilters(given, changed) {
    const all = fields(given);
    let door = given.get("door");
    const values = () => {
        const entries = Object.entries(all).map(([name, field]) => [name, field.input.value.trim()]);
        return Object.fromEntries([...entries, ["door", door]].filter(([, value]) => value));
    };
    const isSet = () => Object.keys(values()).length > 0;
    const clearButton = button(t("filter.clear"), {kind: "quiet", onclick: () => clear()});
    const apply = () => {
        clearButton.hidden = !isSet();
        changed(values());
    };
    const clear = () => {
        door = null;
        for (const field of Object.values(all))
            field.input.value = "";
        apply();
        all.status.input.focus();
    };
    for (const field of Object.values(all))
        field.input.addEventListener("change", apply);
    clearButton.hidden = !isSet();
    const isOpen = NAMES.some(name => given.get(name));
    const node = el("details", {class: "filters", open: isOpen},
                    el("summary", {}, icon("search"), el("span", {}, t("filter.title"))),
                    el("form", {class: "filter-fields", onsubmit: event => event.preventDefault()},
                       Object.values(all).map(field => field.node), clearButton));
    return {node, query: values, isSet, clear};
}
