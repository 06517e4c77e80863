/**
 * The list "Available exports": filters in the address, pages by keyset, and it follows by itself.
 *
 * Rows keep their place while one looks: a change redraws its row, an export that no longer fits the filters
 * stays until the next refresh. New ones come in at the top. An end of one's waiting is said, progress is not.
 */
import {button, el, fill, linkButton} from "../lib/dom.js";
import {get, isAbort, path} from "../lib/api.js";
import {follow} from "../lib/events.js";
import {ExportRow} from "../lib/export_row.js";
import {isActive, nameOf} from "../lib/export_words.js";
import {exportFilters} from "../lib/export_filters.js";
import {zoneWords} from "../lib/format.js";
import {announce, warn} from "../lib/notice.js";
import {href, setQuery} from "../lib/router.js";
import {may, session} from "../lib/session.js";
import {empty, errorWords, failed, heading, loading} from "../lib/states.js";
import {t, word} from "../lib/texts.js";

const PAGE = 20;
const SINGLES = 10; // active exports beyond the first page that a refresh looks at one by one

const isBefore = (one, other) => one.created_time > other.created_time ||
    (one.created_time === other.created_time && one.export_id > other.export_id);

class ExportList {
    constructor(filters, signal) {
        this.filters = filters;
        this.signal = signal;
        this.rows = new Map();
        this.cursor = null;
        this.turn = 0; // of the filters: an answer to earlier ones that comes late is not shown
        this.list = el("ul", {class: "rows"});
        this.place = el("div", {class: "list"}, loading());
        this.older = button(t("list.older"), {onclick: () => this.loadOlder()});
        this.handlers = {changed: item => this.changed(item), gone: id => this.gone(id)};
    }

    fetch(cursor) {
        return get(path("exports"), {...this.filters.query(), limit: PAGE, cursor}, this.signal);
    }

    /** The first page anew, from nothing: other filters, or the first time. */
    async load() {
        const turn = ++this.turn;
        fill(this.place, loading());
        this.rows.clear();
        this.list.replaceChildren();
        try {
            const page = await this.fetch();
            if (turn !== this.turn)
                return;
            this.cursor = page.next_cursor;
            page.exports.forEach(item => this.add(item, false));
            this.draw();
        } catch (error) {
            if (!isAbort(error) && turn === this.turn)
                fill(this.place, failed(error, () => this.load()));
        }
    }

    /** The first page again, keeping what is shown; resolves to whether it worked. */
    async refresh() {
        const turn = this.turn;
        const page = await this.fetch();
        if (turn !== this.turn)
            return;
        const seen = new Set(page.exports.map(item => item.export_id));
        const last = page.exports.at(-1);
        for (const [id, row] of this.rows)
            if (!seen.has(id) && (!page.next_cursor || (last && isBefore(row.item, last))))
                this.gone(id);
        page.exports.forEach(item => this.changed(item));
        const others = [...this.rows.values()].filter(row => isActive(row.item) && !seen.has(row.item.export_id));
        for (const row of others.slice(0, SINGLES)) {
            const item = await get(path("exports", row.item.export_id), {}, this.signal);
            if (turn !== this.turn)
                return;
            this.changed(item);
        }
        this.cursor ??= page.next_cursor;
        this.draw();
    }

    /** A refresh that nobody asked for: it fails silently, the shell tells of the service's absence. */
    async quietRefresh() {
        try {
            await this.refresh();
        } catch { /* the next one may work */ }
    }

    async loadOlder() {
        const turn = this.turn;
        try {
            const page = await this.fetch(this.cursor);
            if (turn !== this.turn)
                return;
            const first = page.exports.find(item => !this.rows.has(item.export_id));
            page.exports.forEach(item => this.add(item, false));
            this.cursor = page.next_cursor;
            this.draw();
            announce(t("list.more", {n: page.exports.length}));
            (first && this.rows.get(first.export_id))?.node.querySelector(".row-name").focus();
        } catch (error) {
            if (!isAbort(error))
                warn(errorWords(error));
        }
    }

    add(item, isFollowed) {
        const known = this.rows.get(item.export_id);
        if (known) {
            known.update(item);
            return;
        }
        const row = new ExportRow(item, this.handlers);
        this.rows.set(item.export_id, row);
        this.list.insertBefore(row.node, isFollowed ? this.after(row) : null);
    }

    /* The node of the newest row that is older. */
    after(row) {
        const nodes = [...this.list.children];
        const items = new Map([...this.rows.values()].map(each => [each.node, each.item]));
        return nodes.find(node => isBefore(row.item, items.get(node))) || null;
    }

    changed(item) {
        const before = this.rows.get(item.export_id)?.item;
        this.add(item, true);
        if (before && isActive(before) && !isActive(item))
            announce(t("list.ended", {name: nameOf(item), status: word("status", item.status)}));
        if (!before)
            this.draw();
    }

    gone(id) {
        const row = this.rows.get(id);
        if (!row)
            return;
        const next = row.node.nextElementSibling || row.node.previousElementSibling;
        const hadFocus = row.node.contains(document.activeElement);
        row.node.remove();
        this.rows.delete(id);
        this.draw();
        if (hadFocus)
            (next?.querySelector(".row-name") || document.querySelector("main h1")).focus();
    }

    /** From the stream: with filters only the service knows whether a new one belongs here. */
    followed(item) {
        if (this.rows.has(item.export_id) || !this.filters.isSet()) {
            this.changed(item);
            return;
        }
        clearTimeout(this.later);
        this.later = setTimeout(() => this.signal.aborted || this.quietRefresh(), 1000);
    }

    draw() {
        if (this.rows.size === 0) {
            fill(this.place, this.filters.isSet() ? this.nothingFits() : nothingYet());
            return;
        }
        if (this.list.parentNode !== this.place)
            fill(this.place, this.list, this.older);
        this.older.hidden = !this.cursor;
    }

    nothingFits() {
        return empty(t("list.nothing"), t("list.nothingText"),
                     button(t("filter.clear"), {onclick: () => this.filters.clear()}));
    }

    isBusy() {
        return [...this.rows.values()].some(row => isActive(row.item));
    }
}

function exportLink(attributes = {}) {
    const looks = {picture: "plus", kind: "primary", ...attributes};
    return may("export") && linkButton(t("action.export"), href("new"), looks);
}

function nothingYet() {
    return empty(t("list.empty"), t(may("export") ? "list.emptyText" : "list.emptyLook"), exportLink());
}

/* Why there is less here than others see. */
function roleWords() {
    if (session.role === "viewer")
        return el("p", {class: "fine"}, t("role.viewerHere"));
    if (session.audience?.length)
        return el("p", {class: "fine"}, t("role.audienceHere", {tags: session.audience.join(", ")}));
    return null;
}

export async function show({root, route, signal}) {
    const filters = exportFilters(route.query, query => {
        setQuery(route, query);
        list.load();
    });
    const list = new ExportList(filters, signal);
    const refresh = button(t("action.refresh"), {picture: "refresh", kind: "quiet", onclick: async () => {
        try {
            await list.refresh();
            announce(t("list.refreshed"));
        } catch (error) {
            if (!isAbort(error))
                warn(errorWords(error));
        }
    }});
    root.append(
        heading(t("list.title"), refresh,
                may("export") && linkButton(t("action.oneConversation"), href("conversation")),
                exportLink({"data-key": "new"})),
        ...[roleWords()].filter(Boolean), filters.node, list.place,
        el("p", {class: "fine zone"}, t("list.zone", {zone: zoneWords()})));
    await list.load();
    follow({changed: item => list.followed(item), gone: id => list.gone(id), refresh: () => list.quietRefresh(),
            isBusy: () => list.isBusy()}, signal);
}
