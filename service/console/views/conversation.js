/**
 * One conversation as a file: its id, a format, and the download begins when it is there.
 *
 * `#/conversation/ID?format=pdf` opens it filled in, so that a platform's page of a conversation can link here. It is
 * an export of one id like any other: it shows in the list, and can be downloaded from there again.
 */
import {button, el, fill, linkButton} from "../lib/dom.js";
import {isAbort, path, post, url} from "../lib/api.js";
import {openDialog} from "../lib/dialog.js";
import {made} from "../lib/events.js";
import {radioGroup, textField} from "../lib/fields.js";
import {nameOf} from "../lib/export_words.js";
import {announce} from "../lib/notice.js";
import {href} from "../lib/router.js";
import {session} from "../lib/session.js";
import {errorWords} from "../lib/states.js";
import {hasText, t, word} from "../lib/texts.js";
import {waitFor} from "../lib/wait.js";

const FORMATS = ["pdf", "json", "csv", "html"];

function formatChoice(wanted) {
    const formats = FORMATS.filter(format => session.formats.includes(format));
    const hint = value => t(hasText(`one.${value}`) ? `one.${value}` : `order.format.${value}`);
    return radioGroup({
        name: "format", legend: t("order.format"), value: formats.includes(wanted) ? wanted : formats[0],
        choices: formats.map(value => ({value, label: word("format", value), hint: hint(value)}))});
}

/* CSV is that of messages, one row each; JSON has all there is, but for what was deleted. */
function orderOf(id, format) {
    const all = ["messages", "customer", "tags", "notes", "events", "skills", "citations", "participants", "reactions",
                 "revisions"];
    return {select: {conversation_ids: [id]}, format, files: "single",
            ...(format === "csv" ? {layout: "messages"} : {include: all})};
}

function ready(place, item) {
    const address = url(path("exports", item.export_id, "download"));
    const link = linkButton(t("action.download"), address, {picture: "download", kind: "primary", download: true});
    fill(place, el("p", {}, t("one.ready", {name: nameOf(item)})), el("div", {class: "actions"}, link,
         linkButton(t("one.details"), href("exports", item.export_id))));
    link.focus();
    link.click();
    announce(t("export.downloading", {name: nameOf(item)}));
}

function ended(place, item) {
    if (item.status === "finished" && item.files.length > 0)
        ready(place, item);
    else
        fill(place, el("p", {class: "callout bad", role: "alert"}, item.error_message || t("export.noReason")));
}

export async function open({route, signal, leave}) {
    let isOpen = true;
    const dialog = openDialog({title: t("one.title"), isForm: true, onClose: () => {
        isOpen = false;
        leave();
    }});
    signal.addEventListener("abort", () => isOpen && dialog.close());
    const id = textField({label: t("one.id"), hint: t("one.idHint"), name: "conversation_id", spellcheck: "false",
                          autocapitalize: "off", autocomplete: "off", value: route.id || ""});
    const format = formatChoice(route.query.get("format"));
    const result = el("div", {class: "result", role: "status"});
    const submit = button(t("one.action"), {type: "submit", kind: "primary", picture: "download"});
    dialog.body.append(el("p", {class: "hint"}, t("one.text")), id.node, format.node, result);
    dialog.foot.append(button(t("dialog.close"), {onclick: () => dialog.close()}), submit);

    const send = async wanted => {
        try {
            const item = await post(path("exports"), orderOf(wanted, format.value), {signal});
            made(item);
            ended(result, await waitFor(item, signal));
        } catch (error) {
            fill(result);
            if (!isAbort(error))
                id.fail(error.status === 404 ? t("one.unknown") : errorWords(error));
        }
    };
    dialog.inside.addEventListener("submit", async event => {
        event.preventDefault();
        const wanted = id.input.value.trim();
        id.fail(wanted ? null : t("one.missing"));
        if (!wanted || submit.getAttribute("aria-disabled") === "true") {
            id.input.focus();
            return;
        }
        submit.setAttribute("aria-disabled", "true");
        fill(result, el("p", {}, t("one.making")));
        await send(wanted);
        submit.removeAttribute("aria-disabled");
    });
    (route.id ? submit : id.input).focus();
}
