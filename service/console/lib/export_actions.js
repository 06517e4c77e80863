/**
 * What can be done with an export, as buttons: the same in the list and on its own page.
 *
 * actionsFor() gives those that its state and the role allow. Each says what happened; `changed(export)`
 * gets the new state, `gone(id)` is told when it is no longer there, also when somebody else deleted it.
 */
import {button, linkButton} from "./dom.js";
import {ask} from "./dialog.js";
import {copy} from "./clipboard.js";
import {announce, tell, warn} from "./notice.js";
import {get, isAbort, path, post, remove, url} from "./api.js";
import {errorWords} from "./states.js";
import {hasFile, isActive, linkOf, nameOf} from "./export_words.js";
import {may} from "./session.js";
import {t} from "./texts.js";
import {href} from "./router.js";

function downloadUrl(item, query = {}) {
    return url(path("exports", item.export_id, "download"), query);
}

/* One at a time per export; what fails is told, and what is gone is taken away. */
async function attempt(item, handlers, does) {
    try {
        await does();
    } catch (error) {
        if (isAbort(error))
            return;
        if (error.status === 404) {
            warn(t("export.goneMeanwhile", {name: nameOf(item)}));
            handlers.gone(item.export_id);
            return;
        }
        warn(errorWords(error));
    }
}

/* A real link, so that "save link as" and "open in new tab" work. A plain click asks first whether the session and the
 * file are still there, for a download that fails says nothing that anybody could read. */
function downloadButton(item, handlers) {
    const address = downloadUrl(item);
    const link = linkButton(t("action.download"), address, {picture: "download", kind: "strong", download: true,
                                                            "data-key": `download-${item.export_id}`});
    let isChecked = false;
    link.addEventListener("click", event => {
        if (isChecked || event.metaKey || event.ctrlKey || event.shiftKey)
            return;
        event.preventDefault();
        attempt(item, handlers, async () => {
            const fresh = await get(path("exports", item.export_id));
            handlers.changed(fresh);
            if (!hasFile(fresh)) {
                warn(t("export.noFile", {name: nameOf(item)}));
                return;
            }
            isChecked = true;
            link.click();
            isChecked = false;
            announce(t("export.downloading", {name: nameOf(item)}));
        });
    });
    return link;
}

function openButton(item) {
    const isPage = item.files.length === 1 && /^(text\/html|application\/pdf)/.test(item.files[0].content_type);
    return isPage && linkButton(t("action.open"), downloadUrl(item, {disposition: "inline"}),
                                {picture: "open", target: "_blank", rel: "noopener", "aria-label":
                                 t("action.openTab"), "data-key": `open-${item.export_id}`});
}

function copyButton(item) {
    const link = linkOf(item);
    return link && button(t("action.copyLink"), {picture: "link", "data-key": `copy-${item.export_id}`,
                                                 onclick: () => copy(link, t("export.linkCopied"))});
}

function cancelButton(item, handlers) {
    return button(t("action.cancel"), {picture: "stop", "data-key": `cancel-${item.export_id}`, onclick: () =>
        attempt(item, handlers, async () => {
            handlers.changed(await post(path("exports", item.export_id, "cancel")));
            tell(t("export.cancelled", {name: nameOf(item)}));
        })});
}

function deleteButton(item, handlers) {
    const does = async () => {
        const isSure = await ask({title: t("delete.title"), text: t("delete.text", {name: nameOf(item)}),
                                  action: t("delete.action"), danger: true});
        if (!isSure)
            return;
        await attempt(item, handlers, async () => {
            await remove(path("exports", item.export_id));
            handlers.gone(item.export_id);
            tell(t("delete.done", {name: nameOf(item)}));
        });
    };
    return button(t("action.delete"), {picture: "trash", kind: "quiet-danger", onclick: does,
                                       "data-key": `delete-${item.export_id}`});
}

/** Goes to the dialog with what this export asked for. */
function againButton(item) {
    return linkButton(t("action.again"), href("new", null, {like: item.export_id}),
                      {picture: "again", "data-key": `again-${item.export_id}`});
}

/** Buttons for an export, in the order of use. */
export function actionsFor(item, handlers) {
    const isThere = hasFile(item) && may("download");
    return [
        isThere && downloadButton(item, handlers),
        isThere && openButton(item),
        isThere && copyButton(item),
        !isActive(item) && !hasFile(item) && may("export") && againButton(item),
        isActive(item) && may("manage") && cancelButton(item, handlers),
        !isActive(item) && may("manage") && deleteButton(item, handlers),
    ].filter(Boolean);
}
