/**
 * Modal dialogs: <dialog>, so that the focus stays inside and Escape closes it.
 *
 * openDialog() shows one and gives its parts; when it closes, the focus returns to where it was. If that
 * element was drawn anew meanwhile, its successor by `data-key` gets it, else the heading of the page.
 * `mayClose()` is asked first, so that typed things are not lost by a slip. Closing removes the dialog.
 */
import {button, el, newId} from "./dom.js";
import {t} from "./texts.js";

/** Gives the focus back to an element, to the one that took its place, or to the heading. */
export function restoreFocus(element) {
    const key = element?.dataset?.key;
    const isThere = element?.isConnected && element !== document.body;
    const next = isThere ? element : key && document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    (next || document.querySelector("main h1"))?.focus({preventScroll: Boolean(next)});
}

/** {node, body, foot, close(value)}; `onClose(value)` comes once, with undefined for Escape. */
export function openDialog({title, kind = "", mayClose = () => true, onClose = () => {}, isForm = false}) {
    const before = document.activeElement;
    const id = newId("dialog");
    const body = el("div", {class: "dialog-body"});
    const foot = el("div", {class: "dialog-foot"});
    const inside = el(isForm ? "form" : "div", {class: "dialog-inside", novalidate: isForm},
                      el("h2", {id, tabindex: "-1"}, title), body, foot);
    const node = el("dialog", {class: kind, "aria-labelledby": id}, inside,
                    el("div", {class: "live unseen", role: "status", "aria-live": "polite"}));
    let result;
    const close = value => {
        result = value;
        node.close();
    };
    node.addEventListener("cancel", event => {
        if (event.target === node && !mayClose())
            event.preventDefault();
    });
    node.addEventListener("close", () => {
        node.remove();
        restoreFocus(before);
        onClose(result);
    });
    document.body.append(node);
    node.showModal();
    return {node, body, foot, inside, close};
}

/** A question; resolves to true when `action` was chosen. The harmless answer has the focus. */
export function ask({title, text, action, danger = false, details = []}) {
    return new Promise(resolve => {
        const dialog = openDialog({title, kind: "question", onClose: value => resolve(value === true)});
        dialog.body.append(el("p", {}, text), ...details);
        const keep = button(t("dialog.no"), {onclick: () => dialog.close(false)});
        const does = button(action, {kind: danger ? "danger" : "primary", onclick: () => dialog.close(true)});
        dialog.foot.append(keep, does);
        keep.focus();
    });
}
