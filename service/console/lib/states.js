/**
 * What every view shows in the same way: its heading, and that it is loading, empty, failed or not allowed.
 */
import {button, el, fill, said} from "./dom.js";
import {t} from "./texts.js";

/** The view's <h1>: takes the focus when the view is gone to, and names the window. */
export function heading(text, ...beside) {
    document.title = `${text} - Verbatim`;
    return el("div", {class: "heading"}, el("h1", {tabindex: "-1"}, said(text)), beside.length > 0 &&
              el("div", {class: "heading-actions"}, beside));
}

/** Grey lines in place of what is coming; said once to those who listen. */
export function loading(lines = 4) {
    return el("div", {class: "loading", role: "status"}, el("span", {class: "unseen"}, t("state.loading")),
              Array.from({length: lines}, () => el("div", {class: "loading-line", "aria-hidden": "true"})));
}

export function empty(title, text, ...actions) {
    return el("div", {class: "empty"}, el("h2", {}, title), el("p", {}, text),
              actions.length > 0 && el("div", {class: "actions"}, actions));
}

/** Words for a failed request: what happened, and what can be done. The service's own words where it has some. */
export function errorWords(error) {
    if (error.status === 0)
        return t("error.offline");
    if (error.status === 429)
        return t("error.often", {n: error.retryAfter || 60});
    if (error.status >= 500)
        return error.detail ? t("error.service", {detail: error.detail}) : t("error.serviceSilent");
    if (error.status === undefined)
        return t("error.page", {detail: error.message});
    return error.detail || t("error.unknown", {status: error.status});
}

/** A failed part of the page with its remedy. */
export function failed(error, again) {
    return el("div", {class: "callout bad", role: "alert"}, el("p", {}, errorWords(error)),
              again && button(t("action.tryAgain"), {picture: "again", onclick: again}));
}

/* What was asked last for a place: an answer to an older question that comes later is not shown there. */
const newest = new WeakMap();

/** Shows `loading` in the place, then what `make()` resolves to, or the failure with its remedy. */
export async function load(place, make, signal) {
    const mine = {};
    newest.set(place, mine);
    fill(place, loading());
    try {
        const made = await make();
        if (newest.get(place) === mine)
            fill(place, made);
    } catch (error) {
        if (!signal.aborted && newest.get(place) === mine)
            fill(place, failed(error, () => load(place, make, signal)));
    }
}
