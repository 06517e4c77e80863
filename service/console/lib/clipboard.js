/**
 * Copying text, also where the page came without TLS and the browser has no clipboard for it.
 *
 * First the browser's clipboard, then a selection and the old command; if neither works the text is
 * shown, selected, for the reader to copy. It never fails silently.
 */
import {button, el, newId} from "./dom.js";
import {openDialog} from "./dialog.js";
import {tell} from "./notice.js";
import {t} from "./texts.js";

/* Inside the topmost dialog: outside of it nothing can be selected. */
function copyBySelection(text) {
    const before = document.activeElement;
    const place = [...document.querySelectorAll("dialog[open]")].at(-1) || document.body;
    const area = el("textarea", {class: "unseen", "aria-hidden": "true", tabindex: "-1", value: text});
    place.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus({preventScroll: true});
    return done;
}

function showSelected(text) {
    const dialog = openDialog({title: t("copy.byHand")});
    const id = newId("copy");
    const input = el("input", {id, class: "input wide", readonly: true, value: text});
    dialog.body.append(el("label", {for: id}, t("copy.byHandHint")), input);
    dialog.foot.append(button(t("dialog.close"), {onclick: () => dialog.close()}));
    input.focus();
    input.select();
}

/** Copies and says so: `done` are the words for it. */
export async function copy(text, done) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        if (!copyBySelection(text)) {
            showSelected(text);
            return;
        }
    }
    tell(done);
}
