/**
 * One export's page: how it stands, its life as a timeline, what was asked, its files, its link.
 *
 * It follows by itself. What the service does not tell (an older one, or a role that may not know) is left out.
 */
import {el, fill, icon, linkButton} from "../lib/dom.js";
import {get, isAbort, path} from "../lib/api.js";
import {follow} from "../lib/events.js";
import {actionsFor} from "../lib/export_actions.js";
import {asked, files, knownEvents, link, mail, notesOf, timeline, work} from "../lib/export_panels.js";
import {Progress, badge, isOnlyFurther, statusMark} from "../lib/export_row.js";
import {isActive, nameOf, sizeOf} from "../lib/export_words.js";
import {size, zoneWords} from "../lib/format.js";
import {announce} from "../lib/notice.js";
import {href} from "../lib/router.js";
import {failed, heading, loading} from "../lib/states.js";
import {t, word} from "../lib/texts.js";

class ExportPage {
    constructor(root, id, signal) {
        Object.assign(this, {root, id, signal, item: null, events: null, body: el("div", {class: "export-page"})});
        this.handlers = {changed: item => this.changed(item), gone: () => this.gone()};
    }

    async load() {
        fill(this.root, heading(t("export.title")), loading());
        try {
            this.item = await get(path("exports", this.id), {}, this.signal);
            await this.loadHistory();
            this.draw();
        } catch (error) {
            if (error.status === 404)
                this.gone();
            else if (!isAbort(error))
                fill(this.root, heading(t("export.title")), failed(error, () => this.load()));
        }
    }

    async loadHistory() {
        try {
            this.events = (await get(path("exports", this.id, "history"), {}, this.signal)).events;
        } catch (error) {
            if (isAbort(error))
                throw error;
            this.events = null; // the times of the export itself do
        }
    }

    async refresh() {
        try {
            this.changed(await get(path("exports", this.id), {}, this.signal));
        } catch (error) {
            if (error.status === 404)
                this.gone();
        }
    }

    async changed(item) {
        if (item.export_id !== this.id || !this.item || JSON.stringify(item) === JSON.stringify(this.item))
            return;
        const before = this.item;
        this.item = item;
        if (isOnlyFurther(item, before)) {
            this.progress.move(item);
            this.work.replaceChildren(...[work(item)].filter(Boolean));
            return;
        }
        if (before.status !== item.status) {
            announce(t("list.ended", {name: nameOf(item), status: word("status", item.status)}));
            await this.loadHistory();
        }
        if (!this.signal.aborted)
            this.draw();
    }

    gone() {
        this.item = null;
        fill(this.root, heading(t("export.goneTitle")), el("p", {}, t("export.goneText")),
             el("div", {class: "actions"}, linkButton(t("export.toList"), href("exports"), {picture: "back"})));
        this.root.querySelector("h1").focus();
    }

    draw() {
        const {item, handlers, signal} = this;
        const focused = document.activeElement?.dataset?.key;
        const isJsonOpen = Boolean(this.root.querySelector(".json[open]"));
        const bytes = sizeOf(item);
        this.progress = isActive(item) ? new Progress(item) : null;
        this.work = el("div", {}, work(item));
        fill(this.root,
             el("p", {class: "crumb"}, el("a", {href: href("exports")}, icon("back"), t("export.toList"))),
             heading(nameOf(item), ...actionsFor(item, handlers)),
             el("p", {class: "standing"}, statusMark(item), badge(item),
                bytes !== null && el("span", {class: "fine"}, size(bytes))),
             this.progress && this.progress.node,
             notesOf(item),
             el("div", {class: "panels"},
                el("div", {}, asked(item), mail(item)),
                el("div", {}, timeline(this.events || knownEvents(item)), files(item), link(item, handlers, signal),
                   this.work)),
             el("p", {class: "fine zone"}, t("list.zone", {zone: zoneWords()})));
        this.root.querySelector(".json").open = isJsonOpen;
        if (focused)
            this.root.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({preventScroll: true});
    }
}

export async function show({root, route, signal}) {
    const page = new ExportPage(root, route.id, signal);
    await page.load();
    follow({changed: item => page.changed(item), gone: id => id === page.id && page.gone(),
            refresh: () => page.refresh(), isBusy: () => Boolean(page.item && isActive(page.item))}, signal);
}
