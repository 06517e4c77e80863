/**
 * Forms that are sent: one request at a time, and the same one under the same key.
 *
 * A form is {submit, problem}: its button, and the place for what is wrong with the whole. Errors are the service's.
 */
import {isAbort} from "./api.js";
import {el, fill} from "./dom.js";
import {focusFirst} from "./fields.js";
import {errorWords} from "./states.js";

/** Resolves to what `send()` does; to null where it fails, which `refused(error)` tells, or while one is under way. */
export async function sendOnce(form, send, refused) {
    if (form.isSending)
        return null;
    form.isSending = true;
    form.submit.setAttribute("aria-disabled", "true");
    fill(form.problem);
    try {
        return await send();
    } catch (error) {
        if (!isAbort(error))
            refused(error);
        return null;
    } finally {
        form.isSending = false;
        form.submit.removeAttribute("aria-disabled");
    }
}

/** Each problem stands beside the field that it names (`form.fields`), all else in the form's place for it. */
export function tellRefused(form, place, error) {
    const rest = error.problems.filter(each => {
        const field = form.fields[each.path.split(".")[0]];
        field?.fail(each.text);
        return !field;
    });
    if (error.problems.length === 0 || rest.length > 0)
        fill(form.problem, el("p", {class: "callout bad"}, rest.map(each => each.text).join(" ") || errorWords(error)));
    focusFirst(place);
}

/** 32 digits that nobody guesses; crypto.randomUUID() is not there without TLS. */
function newKey() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, "0")).join("");
}

/** Keys of idempotency for one form: another for another request, the same for the same one. */
export class RequestKey {
    of(text) {
        if (this.text !== text)
            [this.text, this.key] = [text, newKey()];
        return this.key;
    }
}
