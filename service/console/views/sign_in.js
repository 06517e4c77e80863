/**
 * Signing in with a key: as a page of its own, and as a dialog over what is open when a session has ended.
 *
 * The key goes to the service once and is kept nowhere here; its field is emptied when it was taken. What is
 * wrong stands beside the field. Too many tries: the time to wait is said.
 */
import {button, el, fill} from "../lib/dom.js";
import {openDialog} from "../lib/dialog.js";
import {textField} from "../lib/fields.js";
import {signIn} from "../lib/session.js";
import {errorWords, heading} from "../lib/states.js";
import {t} from "../lib/texts.js";
import {parse} from "../lib/router.js";

function words(error) {
    if (error.status === 401)
        return t("signIn.unknown");
    if (error.status === 429)
        return t("signIn.often", {n: error.retryAfter || 60});
    return errorWords(error);
}

/* Shows what is typed while the box is ticked: long keys are hard to check otherwise. */
function showBox(input) {
    const box = el("input", {type: "checkbox", onchange: () => {
        input.type = box.checked ? "text" : "password";
    }});
    return el("label", {class: "check"}, box, el("span", {}, t("signIn.show")));
}

/** Field, box and button; `done()` after the key was taken. */
function keyForm(done) {
    const field = textField({name: "key", label: t("signIn.key"), hint: t("signIn.hint"), type: "password",
                             autocomplete: "current-password", spellcheck: "false", autocapitalize: "off"});
    const submit = button(t("signIn.action"), {type: "submit", kind: "primary"});
    const send = async event => {
        event.preventDefault();
        const key = field.input.value.trim();
        if (!key) {
            field.fail(t("signIn.empty"));
            return;
        }
        if (submit.getAttribute("aria-disabled") === "true")
            return;
        submit.setAttribute("aria-disabled", "true");
        field.fail(null);
        try {
            await signIn(key);
            field.input.value = "";
            done();
        } catch (error) {
            field.fail(words(error));
        } finally {
            submit.removeAttribute("aria-disabled");
        }
    };
    return {field, submit, send, box: showBox(field.input)};
}

/** The page. After it the shell shows what the address asks for. */
export function showSignIn(root) {
    const form = keyForm(() => {
        if (parse(location.hash).name === "sign-in")
            location.hash = "#/exports";
    });
    fill(root, el("div", {class: "sign-in"}, heading(t("signIn.title")), el("p", {class: "lead"}, t("signIn.lead")),
                  el("form", {novalidate: true, onsubmit: form.send}, form.field.node, form.box,
                     el("div", {class: "actions"}, form.submit)),
                  el("p", {class: "fine"}, t("signIn.where"))));
    form.field.input.focus();
}

/** The dialog over what is open; resolves once somebody signed in. Closed without, it comes back: the page behind is
 * allowed to nobody. */
export function askForKey() {
    return new Promise(resolve => {
        const dialog = openDialog({title: t("signIn.ended"), kind: "question", isForm: true, mayClose: () => false,
                                   onClose: isDone => resolve(isDone || askForKey())});
        const form = keyForm(() => dialog.close(true));
        dialog.body.append(el("p", {}, t("signIn.endedText")), form.field.node, form.box);
        dialog.foot.append(form.submit);
        dialog.inside.addEventListener("submit", form.send);
        form.field.input.focus();
    });
}
