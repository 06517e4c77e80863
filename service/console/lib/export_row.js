/**
 * One export of the list: drawn from its resource, and drawn anew when that changes.
 *
 * The element stays; update() changes what is in it, and gives the focus back to the same action if it
 * had it. The badge tells what is exported, the line below who asked and when, the bar how far it is.
 */
import {el, fill, said} from "./dom.js";
import {restoreFocus} from "./dialog.js";
import {actionsFor} from "./export_actions.js";
import {adviceFor, isActive, isExpired, nameOf, progressPart, progressWords, sizeOf, standing,
        subjectOf} from "./export_words.js";
import {size, time} from "./format.js";
import {href} from "./router.js";
import {t, word} from "./texts.js";

export function statusMark(item) {
    const status = standing(item);
    return el("span", {class: `status ${status}`}, el("span", {class: "dot", "aria-hidden": "true"}),
              word("status", status));
}

export function badge(item) {
    const {kind, name} = subjectOf(item);
    return el("span", {class: "badge"}, kind, name && [": ", said(name)]);
}

/** The bar and its words, which move(item) brings up to date in place; words alone where nothing is to be measured. */
export class Progress {
    constructor(item) {
        this.bar = el("progress", {max: 1, "aria-label": t("progress.label", {name: nameOf(item)})});
        this.words = el("p", {class: "progress-words"});
        this.node = el("div", {class: "progress"}, item.status === "started" && this.bar, this.words);
        this.move(item);
    }

    move(item) {
        const part = progressPart(item);
        const words = progressWords(item);
        if (part === null)
            this.bar.removeAttribute("value");
        else
            this.bar.value = part;
        this.bar.setAttribute("aria-valuetext", words);
        this.words.textContent = words;
    }
}

/** Whether the export only went on: then nothing that could be pressed or marked is to be drawn anew. */
export function isOnlyFurther(item, before) {
    const still = {progress: null, segments: null, attempts: null, waiting_for: null};
    return before && isActive(item) && JSON.stringify({...item, ...still}) === JSON.stringify({...before, ...still});
}

function meta(item) {
    const bytes = sizeOf(item);
    const parts = [
        el("span", {}, t("row.created"), " ", time(item.created_time)),
        el("span", {}, t("row.by"), " ", said(item.requested_by)),
        el("span", {}, word("format", item.specification.format), bytes !== null && [", ", size(bytes)]),
        item.expires_at && el("span", {}, t(isExpired(item) ? "row.expired" : "row.kept"), " ", time(item.expires_at)),
    ];
    return el("p", {class: "meta"}, parts.filter(Boolean));
}

function failure(item) {
    return item.status === "failed" &&
        el("p", {class: "row-error"}, said(item.error_message || t("export.noReason")), " ",
           adviceFor(item.error_message));
}

export class ExportRow {
    constructor(item, handlers) {
        this.handlers = handlers;
        this.node = el("li", {class: "row"});
        this.update(item);
    }

    update(item) {
        const before = this.item;
        if (JSON.stringify(item) === JSON.stringify(before))
            return;
        this.item = item;
        if (isOnlyFurther(item, before)) {
            this.progress.move(item);
            return;
        }
        this.progress = isActive(item) ? new Progress(item) : null;
        const focused = this.node.contains(document.activeElement) ? document.activeElement : null;
        const link = el("a", {class: "row-name", href: href("exports", item.export_id), "data-key": item.export_id},
                        said(nameOf(item)));
        fill(this.node,
             el("div", {class: "row-words"},
                el("div", {class: "row-head"}, el("h2", {}, link), badge(item)),
                el("div", {class: "row-state"}, statusMark(item), this.progress?.node, failure(item)),
                meta(item)),
             el("div", {class: "actions", role: "group", "aria-label": t("row.actions", {name: nameOf(item)})},
                actionsFor(item, this.handlers)));
        if (focused)
            this.refocus(focused);
    }

    /* The action that was pressed may be another one now, or none. */
    refocus(before) {
        const key = before.dataset.key;
        const same = key && this.node.querySelector(`[data-key="${CSS.escape(key)}"]`);
        restoreFocus(same || this.node.querySelector(".row-name"));
    }
}
