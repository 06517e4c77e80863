/**
 * Keys of the workspace: who has one, what it allows, when it was last used; new ones and revoking.
 *
 * A new key is shown once, in a dialog that asks before it closes without the key having been copied. Keys that
 * were revoked stay in a list of their own, since the audit names them.
 */
import {button, el, fill, said} from "../lib/dom.js";
import {get, isAbort, path, post, remove} from "../lib/api.js";
import {ask, openDialog} from "../lib/dialog.js";
import {copy} from "../lib/clipboard.js";
import {focusFirst, radioGroup, textField} from "../lib/fields.js";
import {time} from "../lib/format.js";
import {tell, warn} from "../lib/notice.js";
import {mark, saidList, wordsOf} from "../lib/parts.js";
import {sendOnce, tellRefused} from "../lib/sending.js";
import {session, signOut} from "../lib/session.js";
import {empty, errorWords, heading, load} from "../lib/states.js";
import {t, word} from "../lib/texts.js";

const ROLES = ["owner", "admin", "editor", "viewer"];
const MAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

const isOwn = key => key.key_id === session.key_id;
const nameOf = key => key.name || t("keys.unnamed");
const mayMakeOwner = () => session.role === "owner";

function meta(key) {
    const parts = [
        el("span", {class: "mono", dir: "ltr"}, `vb_${key.key_id}_…`),
        key.user && el("span", {}, said(key.user)),
        el("span", {}, t("keys.created"), " ", time(key.created_at)),
        key.revoked_at ? el("span", {}, t("keys.revokedAt"), " ", time(key.revoked_at))
            : el("span", {}, key.last_used_at ? [t("keys.used"), " ", time(key.last_used_at)] : t("keys.unused")),
    ];
    return el("p", {class: "meta"}, parts.filter(Boolean));
}

function reach(key) {
    if (key.scopes?.length && key.scopes.every(scope => scope === "metrics"))
        return el("span", {class: "fine"}, t("keys.metricsOnly"));
    if (!key.audience?.length)
        return key.role === "editor" && el("span", {class: "fine"}, t("keys.noAudience"));
    return el("span", {class: "fine"}, t("keys.tags"), " ", saidList(key.audience));
}

function row(key, revoke) {
    const canRevoke = !key.revoked_at && (key.role !== "owner" || mayMakeOwner());
    return el("li", {class: "row"},
        el("div", {class: "row-words"},
           el("div", {class: "row-head"}, el("h2", {}, said(nameOf(key))),
              key.revoked_at ? mark("cancelled", t("keys.revoked")) : mark("finished", t("keys.active"))),
           el("p", {class: "row-what"}, el("span", {class: "badge"}, word("role", key.role)), reach(key),
              isOwn(key) && el("span", {class: "fine"}, t("keys.own"))),
           meta(key)),
        canRevoke && el("div", {class: "actions", role: "group", "aria-label": t("row.actions", {name: nameOf(key)})},
            button(t("keys.revoke"), {picture: "stop", kind: "quiet-danger", "data-key": `revoke-${key.key_id}`,
                                      onclick: () => revoke(key)})));
}

/* Role and audience with what they mean; an admin is told why he can't make an owner's key. */
function roleChoice() {
    return radioGroup({name: "role", legend: t("keys.role"), value: "editor", choices: ROLES.map(role => ({
        value: role, label: word("role", role), disabled: role === "owner" && !mayMakeOwner(),
        hint: t(role === "owner" && !mayMakeOwner() ? "keys.role.ownerNot" : `keys.role.${role}`)}))});
}

class NewKey {
    constructor(made, signal) {
        this.made = made;
        this.signal = signal;
        this.isCopied = true; // there is nothing to lose yet
        this.dialog = openDialog({title: t("keys.new"), isForm: true, mayClose: () => this.mayClose(), onClose: () => this.end()});
        signal.addEventListener("abort", () => this.dialog.node.isConnected && this.dialog.close());
        this.ask();
    }

    ask() {
        this.fields = {
            name: textField({label: t("keys.name"), hint: t("keys.nameHint"), name: "name", required: true, maxlength: 200, autocomplete: "off"}),
            user: textField({label: t("keys.user"), hint: t("keys.userHint"), name: "user", type: "email", autocomplete: "off"}),
            audience: textField({label: t("keys.audience"), hint: t("keys.audienceHint"), name: "audience", autocomplete: "off"}),
        };
        this.role = roleChoice();
        this.problem = el("div", {role: "alert"});
        this.submit = button(t("keys.make"), {type: "submit", kind: "primary"});
        const {name, user, audience} = this.fields;
        const showAudience = () => {
            audience.node.hidden = this.role.value !== "editor";
        };
        this.role.node.addEventListener("change", showAudience);
        showAudience();
        fill(this.dialog.body, name.node, this.role.node, audience.node, user.node);
        fill(this.dialog.foot, el("div", {class: "foot-words"}, this.problem),
             button(t("dialog.cancel"), {onclick: () => this.dialog.close()}), this.submit);
        this.dialog.inside.addEventListener("submit", event => {
            event.preventDefault();
            this.send();
        });
        name.input.focus();
    }

    body() {
        const values = Object.fromEntries(Object.entries(this.fields).map(([name, field]) => [name, field.input.value.trim()]));
        const role = this.role.value;
        return {name: values.name, role, ...(values.user && {user: values.user}),
                ...(role === "editor" && {audience: wordsOf(values.audience)})};
    }

    isGood({name, user, role, audience}) {
        this.fields.name.fail(name ? null : t("keys.nameMissing"));
        this.fields.user.fail(user && !MAIL.test(user) ? t("order.mail") : null);
        this.fields.audience.fail(role === "editor" && audience.length === 0 ? t("keys.audienceMissing") : null);
        return !focusFirst(this.dialog.body);
    }

    async send() {
        const body = this.body();
        if (!this.isGood(body))
            return;
        const made = await sendOnce(this, () => post(path("keys"), body, {signal: this.signal}),
                                    error => tellRefused(this, this.dialog.body, error));
        if (made)
            this.show(made);
    }

    /** The only time that the key can be seen. */
    show(made) {
        this.isCopied = false;
        this.result = made;
        this.warning = el("div", {role: "alert"});
        const field = textField({label: t("keys.theKey"), readonly: true, spellcheck: "false", dir: "ltr", value: made.key});
        field.input.classList.add("mono");
        field.input.addEventListener("copy", () => {
            this.isCopied = true;
        });
        const take = button(t("keys.copy"), {picture: "link", kind: "primary", onclick: async () => {
            await copy(made.key, t("keys.copied"));
            this.isCopied = true;
        }});
        this.dialog.node.querySelector("h2").textContent = t("keys.once");
        fill(this.dialog.body, el("p", {}, t("keys.onceText")), field.node, el("div", {class: "actions"}, take));
        fill(this.dialog.foot, el("div", {class: "foot-words"}, this.warning),
             button(t("dialog.close"), {onclick: () => this.mayClose() && this.dialog.close()}));
        take.focus();
    }

    /* Asked once: whoever closes it again means it. */
    mayClose() {
        if (this.isCopied)
            return true;
        this.isCopied = true;
        fill(this.warning, el("p", {class: "callout warn"}, t("keys.notCopied")));
        return false;
    }

    end() {
        if (!this.result)
            return;
        this.result = null; // the key itself is kept nowhere
        this.made();
    }
}

class Keys {
    constructor(signal) {
        this.signal = signal;
        this.place = el("div", {class: "list"});
    }

    async draw() {
        const {keys} = await get(path("keys"), {}, this.signal);
        const active = keys.filter(key => !key.revoked_at);
        const revoked = keys.filter(key => key.revoked_at);
        const rows = list => el("ul", {class: "rows"}, list.map(key => row(key, each => this.revoke(each))));
        const past = revoked.length > 0 && el("details", {class: "past", open: this.isPastOpen},
                                              el("summary", {}, t("keys.past", {n: revoked.length})), rows(revoked));
        past && past.addEventListener("toggle", () => {
            this.isPastOpen = past.open;
        });
        return [active.length ? rows(active) : empty(t("keys.none"), t("keys.noneText")), past];
    }

    /* Quietly: what there was stays until the new state is there. */
    async again() {
        try {
            fill(this.place, await this.draw());
        } catch (error) {
            if (!isAbort(error))
                warn(errorWords(error));
        }
        if (document.activeElement === document.body)
            document.querySelector("main h1").focus();
    }

    async revoke(key) {
        const text = t(isOwn(key) ? "keys.revokeOwn" : "keys.revokeText", {name: nameOf(key)});
        if (!await ask({title: t("keys.revokeTitle"), text, action: t("keys.revoke"), danger: true}))
            return;
        try {
            await remove(path("keys", key.key_id), {signal: this.signal});
        } catch (error) {
            if (isAbort(error))
                return;
            if (error.status !== 404) {
                warn(errorWords(error));
                return;
            }
        }
        if (isOwn(key)) {
            await signOut();
            return;
        }
        tell(t("keys.revokeDone", {name: nameOf(key)}));
        await this.again();
    }
}

export async function show({root, signal}) {
    const keys = new Keys(signal);
    const make = button(t("keys.new"), {picture: "plus", kind: "primary", "data-key": "new-key",
                                        onclick: () => new NewKey(() => keys.again(), signal)});
    root.append(heading(t("nav.keys"), make), el("p", {class: "fine intro"}, t("keys.intro")), keys.place);
    await load(keys.place, () => keys.draw(), signal);
}
