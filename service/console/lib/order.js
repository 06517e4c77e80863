/**
 * What the export dialog asks for: its state, the rules, and the request that says it. Pure, no page.
 *
 * The state has what was typed, as it was typed. problems() names each broken rule by its field; toOrder() makes
 * the request of a state without problems; fromSpecification() is the way back, for asking again.
 */

export const DAYS = {least: 1, most: 365};
export const MOST_IDS = 200;
/** What can be chosen, by the members of `select`. */
export const CHOICES = ["assistant_id", "channel_id", "contact_id", "conversation_ids", "all"];
/** What each format can carry besides messages; the layouts of CSV are fixed. */
export const INCLUDES = ["customer", "tags", "notes", "events", "skills", "citations", "media", "participants", "reactions",
                         "revisions", "deleted"];
const DEFAULT_INCLUDES = ["messages", "customer", "tags"];
/** How the cells of CSV files are written; what is empty is as the workspace says. */
export const CSV_FORM = ["csv_profile", "delimiter", "csv_quote"];
/** Delimiters, by the names that their texts have. */
export const CSV_WORDS = {",": "comma", ";": "semicolon", "\t": "tab"};
const DAY = 86400e3;

/** A dialog as it opens. `formats` are the service's. */
export function emptyState(formats) {
    return {
        what: "assistant_id", assistant_id: null, channel_id: null, contact_id: null, conversation_ids: "",
        range: "days", days: "30", from: "", to: "",
        format: formats.includes("html") ? "html" : formats[0], layout: "messages", files: "", csv_profile: "", delimiter: "",
        csv_quote: "",
        include: DEFAULT_INCLUDES, tags: "", completed_only: false, activity: false, notification_email: "",
    };
}

export const idsOf = text => [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
const listOf = text => text.split(",").map(each => each.trim()).filter(Boolean);

/** Whether the format has choices of what to include. */
export const hasLayouts = state => state.format === "csv" || state.format === "xlsx";
export const hasIncludes = state => !hasLayouts(state);
export const hasRange = state => state.what !== "conversation_ids";

/** Whether there is a range, which may then be one of messages. */
export const hasActivity = state => hasRange(state) && state.range !== "all";

/** The assistant export of the product: one HTML file of completed conversations, with a limit of its own. */
export function isAssistantExport(state) {
    return state.what === "assistant_id" && state.range === "days" && state.format === "html" && !state.tags.trim() &&
        (!state.files || state.files === "single") && !state.include.includes("media") && !state.activity;
}

function whatProblem(state) {
    if (state.what === "all")
        return null;
    if (state.what !== "conversation_ids")
        return state[state.what] ? null : {field: state.what, key: `order.missing.${state.what}`};
    const n = idsOf(state.conversation_ids).length;
    if (n === 0)
        return {field: state.what, key: "order.missing.conversation_ids"};
    return n > MOST_IDS ? {field: state.what, key: "order.manyIds", values: {n}} : null;
}

function rangeProblems(state, today) {
    if (!hasRange(state) || state.range === "all")
        return [];
    if (state.range === "days") {
        const days = /^\s*\d{1,4}\s*$/.test(state.days) ? Number(state.days) : NaN;
        return days >= DAYS.least && days <= DAYS.most ? [] : [{field: "days", key: "order.days"}];
    }
    const found = [];
    if (!state.from)
        found.push({field: "from", key: "order.missing.from"});
    else if (state.from > today)
        found.push({field: "from", key: "order.future"});
    if (!state.to)
        found.push({field: "to", key: "order.missing.to"});
    else if (state.from && state.to < state.from)
        found.push({field: "to", key: "order.inverted"});
    return found;
}

const mailProblem = state => {
    const text = state.notification_email.trim();
    return text && !/^[^\s@]+@[^\s@]+$/.test(text) ? {field: "notification_email", key: "order.mail"} : null;
};

/** [{field, key, values}] of all broken rules, in the order of the dialog. `today` is that of the workspace's zone. */
export function problems(state, today) {
    return [whatProblem(state), ...rangeProblems(state, today), mailProblem(state)].filter(Boolean);
}

/** The calendar day of an instant in a zone, "2026-11-29". */
export function dayIn(zone, at) {
    const parts = new Intl.DateTimeFormat("en-CA", {timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit"});
    return parts.format(at);
}

function filterOf(state, now) {
    const filter = {};
    if (hasRange(state) && state.range === "days")
        filter.from = new Date(now.getTime() - Number(state.days) * DAY).toISOString();
    if (hasRange(state) && state.range === "dates")
        Object.assign(filter, {from: state.from, to: state.to});
    if (state.tags.trim())
        filter.tags = listOf(state.tags);
    if (state.completed_only)
        filter.completed_only = true;
    if (state.activity && hasActivity(state))
        filter.activity = true;
    return filter;
}

function selectOf(state) {
    if (state.what === "all")
        return {all: true};
    if (state.what === "conversation_ids")
        return {conversation_ids: idsOf(state.conversation_ids)};
    const match = state.what === "contact_id" && state.match;
    return {[state.what]: state[state.what].id, ...(match && {match})};
}

function specificationOf(state, now) {
    const filter = filterOf(state, now);
    const body = {select: selectOf(state), ...(Object.keys(filter).length && {filter}), format: state.format};
    if (hasLayouts(state))
        body.layout = state.layout;
    for (const name of CSV_FORM.filter(each => state.format === "csv" && state[each]))
        body[name] = state[name];
    if (hasIncludes(state))
        body.include = state.include;
    if (state.files)
        body.files = state.files;
    return body;
}

/** {parts, body, preview}: where to send it, what, and the specification whose size is asked. `now`: the days' end. */
export function toOrder(state, now) {
    const mail = state.notification_email.trim();
    const notify = mail ? {notification_email: mail} : {};
    const preview = specificationOf(state, now);
    if (!isAssistantExport(state))
        return {parts: ["exports"], body: {...preview, ...notify}, preview};
    preview.filter = {...preview.filter, completed_only: true};
    return {parts: ["assistant-exports"], preview,
            body: {assistant_id: state.assistant_id.id, days: Number(state.days), include: state.include, ...notify}};
}

/* Days up to the moment it was asked for, if the range says so; else its dates. */
function rangeOf(filter, asked) {
    if (!filter.from && !filter.to)
        return {range: "all"};
    if (filter.from?.includes("T")) {
        const days = Math.round(((filter.to ? new Date(filter.to) : asked) - new Date(filter.from)) / DAY);
        if (days >= DAYS.least && days <= DAYS.most)
            return {range: "days", days: String(days)};
    }
    return {range: "dates", from: (filter.from || "").slice(0, 10), to: (filter.to || "").slice(0, 10)};
}

/** The state that asks for the same again as an export did; `asked` is when. */
export function fromSpecification({specification, subject}, asked, formats) {
    const {select, filter = {}} = specification;
    const named = CHOICES.find(name => name in select);
    const what = named || "channel_id"; // by its phone number: which one is to be chosen anew
    const state = {...emptyState(formats), ...rangeOf(filter, asked), what};
    if (what === "conversation_ids")
        state.conversation_ids = select.conversation_ids.join("\n");
    else if (named && what !== "all")
        state[what] = {id: select[what], name: subject || select[what]};
    Object.assign(state, {tags: (filter.tags || []).join(", "), completed_only: Boolean(filter.completed_only),
                          activity: Boolean(filter.activity), match: select.match});
    for (const name of ["format", "layout", "files", ...CSV_FORM, "include"])
        state[name] = specification[name] ?? state[name];
    return state;
}
