/**
 * One export's page: how it stands, its life as a timeline, what was asked, its files, its link.
 *
 * It follows by itself. What the service does not tell (an older one, or a role that may not know) is left out.
 */
import {button, el, fill, icon, linkButton, said} from "../lib/dom.js";
import {get, isAbort, path, post} from "../lib/api.js";
import {ask} from "../lib/dialog.js";
import {copy} from "../lib/clipboard.js";
import {follow} from "../lib/events.js";
import {actionsFor} from "../lib/export_actions.js";
import {Progress, badge, isOnlyFurther, statusMark} from "../lib/export_row.js";
import {adviceFor, amountWords, attemptsWords, formatWords, hasFile, isActive, isExpired, linkOf, nameOf, rangeWords,
        sizeOf, subjectOf} from "../lib/export_words.js";
import {count, size, time, zoneWords} from "../lib/format.js";
import {announce, tell, warn} from "../lib/notice.js";
import {href} from "../lib/router.js";
import {may} from "../lib/session.js";
import {empty, errorWords, failed, heading, loading} from "../lib/states.js";
import {hasText, t, word} from "../lib/texts.js";

/* Rows of term and description; those without a description are left out. */
function facts(rows) {
    return el("dl", {class: "facts"}, rows.filter(([, what]) => what !== null && what !== undefined && what !== false)
        .map(([name, what]) => el("div", {}, el("dt", {}, name), el("dd", {}, what))));
}

function section(title, ...content) {
    return el("section", {class: "panel"}, el("h2", {}, title), content);
}

function notesOf(item) {
    const notes = [];
    if (item.status === "failed")
        notes.push(el("div", {class: "callout bad"}, el("p", {}, said(item.error_message || t("export.noReason"))),
                      el("p", {}, adviceFor(item.error_message))));
    if (isExpired(item))
        notes.push(el("p", {class: "callout"}, t("export.expiredText")));
    if (item.incomplete)
        notes.push(el("p", {class: "callout warn"}, said(item.incomplete)));
    if (item.media_failed > 0)
        notes.push(el("p", {class: "callout warn"}, t("export.mediaFailed", {n: item.media_failed})));
    if (item.status === "finished" && item.progress.conversations_done === 0)
        notes.push(el("p", {class: "callout"}, t("export.nothing")));
    return notes;
}

function asked(item) {
    const {specification: wanted} = item;
    const {kind, name} = subjectOf(item);
    const json = JSON.stringify(wanted, null, 2);
    return section(t("export.asked"), facts([
        [t("export.what"), name ? [kind, ": ", said(name)] : kind],
        [t("export.range"), wanted.select.conversation_ids ? null : rangeWords(wanted.filter)],
        [t("export.narrowed"), wanted.filter?.completed_only ? t("export.completedOnly") : null],
        [t("export.tags"), wanted.filter?.tags ? said(wanted.filter.tags.join(", ")) : null],
        [t("export.format"), formatWords(wanted)],
        [t("export.packaging"), word("order.files", wanted.files)],
        [t("export.include"), wanted.format === "csv" ? null : wanted.include.map(each => word("include", each)).join(", ")],
        [t("export.by"), said(item.requested_by)],
        [t("export.door"), item.door && word("door", item.door)],
        [t("export.asOf"), item.as_of && time(item.as_of)],
    ]), el("details", {class: "json"}, el("summary", {}, t("export.json")), el("pre", {tabindex: "0", dir: "ltr"}, json),
           button(t("export.copyJson"), {picture: "link", kind: "small", onclick: () => copy(json, t("export.jsonCopied"))})));
}

function files(item) {
    if (item.files.length === 0)
        return null;
    const list = item.files.map(file => el("li", {}, el("p", {class: "file-name"}, said(file.name)),
        el("p", {class: "meta"}, el("span", {}, size(file.size)), el("span", {}, file.content_type),
           file.crc32 && el("span", {}, `CRC-32 ${file.crc32}`))));
    return section(t("export.files"), el("ul", {class: "files"}, list), facts([
        [t("export.holds"), amountWords(item)],
        [t("export.keptUntil"), item.expires_at && time(item.expires_at)],
    ]));
}

function work(item) {
    const {recorded, running, waiting} = item.segments;
    if (recorded + running + waiting < 2 && item.attempts === 0)
        return null;
    return section(t("export.work"), facts([
        [t("export.segments"), t("export.segmentWords", {recorded: count(recorded), running: count(running), waiting: count(waiting)})],
        [t("export.repeated"), item.attempts > 0 ? attemptsWords(item) : null],
    ]));
}

function mail(item) {
    const to = item.specification.notification_email;
    if (!to && !item.notification)
        return null;
    return section(t("export.mail"), facts([
        [t("export.mailTo"), to && said(to)],
        [t("export.mailState"), word("mail", item.notification || (isActive(item) ? "later" : "none"))]]));
}

function link(item, handlers, signal) {
    if (!hasFile(item) || !may("download"))
        return null;
    const address = linkOf(item);
    const until = item.link ? item.link_expires_at : item.download_url_expires_at;
    const call = async (name, done) => {
        try {
            await post(path("exports", item.export_id, ...name), undefined, {signal});
            handlers.changed(await get(path("exports", item.export_id), {}, signal));
            tell(done);
        } catch (error) {
            if (!isAbort(error))
                warn(errorWords(error));
        }
    };
    const revoke = async () => {
        if (await ask({title: t("link.revokeTitle"), text: t("link.revokeText"), action: t("link.revoke"), danger: true}))
            await call(["links", "revoke"], t("link.revoked"));
    };
    return section(t("link.title"),
        el("p", {class: "hint"}, t(address ? "link.text" : "link.none")),
        address && el("p", {class: "link-line mono", dir: "ltr"}, address),
        facts([[t("link.until"), address && until && time(until)]]),
        el("div", {class: "actions"},
           address && button(t("action.copyLink"), {picture: "link", "data-key": "copy-link",
                                                    onclick: () => copy(address, t("export.linkCopied"))}),
           may("manage") && button(t("link.issue"), {picture: "again", "data-key": "issue-link",
                                                     onclick: () => call(["links"], t("link.issued"))}),
           may("manage") && address && button(t("link.revoke"), {kind: "quiet-danger", picture: "stop", "data-key": "revoke-link",
                                                                 onclick: revoke})));
}

function timeline(events) {
    const items = events.map(event => el("li", {class: `event ${event.kind}`},
        el("p", {}, hasText(`event.${event.kind}`) ? t(`event.${event.kind}`) : event.kind, event.by && [" ", t("event.by"), " ", said(event.by)]),
        el("p", {class: "meta"}, time(event.at))));
    return section(t("export.timeline"), el("ol", {class: "timeline"}, items));
}

/* What is known of its life without a history. */
function knownEvents(item) {
    const kinds = {created: item.created_time, started: item.started_time, [item.status]: item.finished_time};
    return Object.entries(kinds).filter(([, at]) => at).map(([kind, at]) => ({kind, at, by: kind === "created" ? item.requested_by : null}));
}

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
        fill(this.root, heading(t("export.goneTitle")), empty(t("export.goneTitle"), t("export.goneText"),
             linkButton(t("export.toList"), href("exports"), {picture: "back"})));
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
             el("p", {class: "standing"}, statusMark(item), badge(item), bytes !== null && el("span", {class: "fine"}, size(bytes))),
             this.progress && this.progress.node,
             notesOf(item),
             el("div", {class: "panels"},
                el("div", {}, asked(item), mail(item)),
                el("div", {}, timeline(this.events || knownEvents(item)), files(item), link(item, handlers, signal), this.work)),
             el("p", {class: "fine zone"}, t("list.zone", {zone: zoneWords()})));
        this.root.querySelector(".json").open = isJsonOpen;
        if (focused)
            this.root.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({preventScroll: true});
    }
}

export async function show({root, route, signal}) {
    const page = new ExportPage(root, route.id, signal);
    await page.load();
    follow({changed: item => page.changed(item), gone: id => id === page.id && page.gone(), refresh: () => page.refresh(),
            isBusy: () => Boolean(page.item && isActive(page.item))}, signal);
}
