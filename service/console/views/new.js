/**
 * The export dialog: asks for an export, says before how large it gets, and makes exactly one.
 *
 * What is typed is kept in the tab's session storage until the export was made or the dialog cancelled, so neither
 * a reload nor the end of a session loses it. The Idempotency-Key belongs to what is asked: the same request sent
 * twice, by a double click or after a lost answer, is one export. `?like=ID` begins with what that export asked for.
 */
import {button, el, fill} from "../lib/dom.js";
import {get, isAbort, path, post} from "../lib/api.js";
import {openDialog} from "../lib/dialog.js";
import {made} from "../lib/events.js";
import {instant, time} from "../lib/format.js";
import {announce, tell} from "../lib/notice.js";
import {emptyState, fromSpecification, isAssistantExport, problems, toOrder} from "../lib/order.js";
import {orderForm} from "../lib/order_form.js";
import {estimateWords, nameOf} from "../lib/export_words.js";
import {go} from "../lib/router.js";
import {RequestKey, sendOnce} from "../lib/sending.js";
import {session} from "../lib/session.js";
import {errorWords} from "../lib/states.js";
import {recall, remember, t} from "../lib/texts.js";

const DRAFT = "verbatim.draft";
const PAUSE = 500;

function keptDraft() {
    try {
        const draft = JSON.parse(recall(DRAFT, "sessionStorage"));
        return draft?.workspace === session.workspace.id ? draft.state : null;
    } catch {
        return null;
    }
}

async function firstState(route, signal) {
    const like = route.query.get("like");
    if (!like)
        return {...emptyState(session.formats), ...keptDraft()};
    const item = await get(path("exports", like), {}, signal);
    return fromSpecification(item, instant(item.created_time), session.formats);
}

class NewExport {
    constructor(state, signal) {
        this.signal = signal;
        this.state = state;
        this.opened = new Date();
        this.form = orderForm(state, () => this.changed());
        this.estimate = el("p", {class: "estimate"});
        this.limit = el("p", {class: "fine", hidden: true});
        this.problem = el("div", {role: "alert"});
        this.used = null;
        this.key = new RequestKey();
    }

    changed() {
        remember(DRAFT, JSON.stringify({workspace: session.workspace.id, state: this.state}), "sessionStorage");
        fill(this.problem);
        this.preview();
        this.showLimit();
    }

    broken() {
        return problems(this.state, this.form.today).map(each => ({...each, text: t(each.key, each.values)}));
    }

    preview() {
        clearTimeout(this.timer);
        this.counting?.abort();
        if (this.broken().length > 0) {
            this.estimate.textContent = t("order.estimateLater");
            return;
        }
        this.estimate.textContent = t("order.counting");
        this.timer = setTimeout(() => this.count(), PAUSE);
    }

    async count() {
        this.counting = new AbortController();
        const signal = AbortSignal.any?.([this.counting.signal, this.signal]) ?? this.counting.signal;
        try {
            const found = await post(path("exports", "preview"), toOrder(this.state, this.opened).preview, {signal});
            this.estimate.textContent = this.estimateWords(found);
        } catch (error) {
            if (isAbort(error))
                return;
            const isLong = error.status === 504;
            this.estimate.textContent = t(isLong ? "order.countingLong" : "order.notCounted", {why: errorWords(error)});
        }
        announce(this.estimate.textContent);
    }

    estimateWords(found) {
        if (found.conversations === 0)
            return t(isAssistantExport(this.state) ? "order.nothingCompleted" : "order.nothing");
        return estimateWords(found);
    }

    /** Which export goes when this one is made, if it is of those with a limit. */
    async showLimit() {
        this.limit.hidden = !isAssistantExport(this.state);
        if (this.limit.hidden || this.used)
            return;
        try {
            this.used = await get(path("assistant-exports"), {}, this.signal);
        } catch {
            this.limit.hidden = true; // the export can be made without these words
            return;
        }
        const {exports: own, limit: most, oldest} = this.used;
        const going = own.find(item => item.export_id === oldest);
        this.limit.className = going ? "callout warn" : "fine";
        fill(this.limit, t("order.limit", {n: own.length, most}), " ",
             going && [t("order.limitReached", {name: nameOf(going)}), " (", time(going.created_time), ")."]);
    }

    async send() {
        const broken = this.broken();
        this.form.fail(broken);
        if (broken.length > 0)
            return null;
        return sendOnce(this, () => {
            const {parts, body} = toOrder(this.state, this.opened);
            const key = this.key.of(JSON.stringify([parts, body]));
            return post(path(...parts), body, {headers: {"Idempotency-Key": key}});
        }, error => this.refused(error));
    }

    /* The service's rules stand beside the field that they name, all else above the buttons. */
    refused(error) {
        const fieldOf = name => name.split(".").find(part => this.form.fields[part]) || name;
        const named = [...(error.detail || "").matchAll(/\b(?:select|filter)\.(\w+)/g)].map(([, name]) => name);
        const found = error.problems.length ? error.problems.map(each => ({field: fieldOf(each.path), text: each.text}))
            : named.map(name => ({field: name, text: error.detail}));
        const rest = this.form.fail(found);
        const words = rest.map(each => each.text).join(" ") || errorWords(error);
        if (found.length === 0 || rest.length > 0)
            fill(this.problem, el("p", {class: "callout bad"}, words));
    }
}

export async function open({route, signal, leave}) {
    const order = new NewExport(await firstState(route, signal), signal);
    let isDone = false;
    const dialog = openDialog({title: t("order.title"), isForm: true, kind: "wide", onClose: value => {
        if (value === "made" || value === "cancelled")
            remember(DRAFT, null, "sessionStorage");
        clearTimeout(order.timer);
        order.counting?.abort();
        isDone = true;
        if (value === "made")
            go("exports");
        else
            leave();
    }});
    signal.addEventListener("abort", () => isDone || dialog.close());
    order.submit = button(t("order.start"), {type: "submit", kind: "primary"});
    dialog.body.append(order.form.node);
    dialog.foot.append(el("div", {class: "foot-words"}, order.limit, order.problem, order.estimate),
                       button(t("dialog.cancel"), {onclick: () => dialog.close("cancelled")}), order.submit);
    dialog.inside.addEventListener("submit", async event => {
        event.preventDefault();
        const item = await order.send();
        if (!item || isDone)
            return;
        dialog.close("made");
        const mail = order.state.notification_email.trim();
        tell(t(mail ? "order.startedMail" : "order.started", {mail}));
        made(item);
    });
    dialog.node.querySelector("h2").focus();
    order.preview();
    order.showLimit();
}
