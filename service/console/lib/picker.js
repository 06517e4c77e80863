/**
 * A field that finds something by typing: an assistant, a channel, a contact (combobox with a list, ARIA 1.2).
 *
 * picker({label, search, value, onChange}) gives {node, input, fail(text), value}. `search(text, signal)` resolves to
 * [{id, name, detail}]; `value` is the one chosen, or null. Arrow keys move, Enter chooses (also what was typed whole,
 * or the only one found), Escape closes the list and nothing else. What is typed and not in the list can be taken as
 * an id. The list stands in the flow below the field, so that no dialog cuts it off.
 */
import {el, fill, newId, said} from "./dom.js";
import {wrap} from "./fields.js";
import {isAbort} from "./api.js";
import {announce} from "./notice.js";
import {t} from "./texts.js";

const PAUSE = 180;

class Picker {
    constructor({label, hint, search, value = null, onChange = () => {}}) {
        this.search = search;
        this.onChange = onChange;
        this.value = value;
        this.found = [];
        this.at = -1;
        this.list = el("ul", {class: "options", role: "listbox", id: newId("list"), "aria-label": label, hidden: true});
        this.input = el("input", {class: "input", type: "text", role: "combobox", autocomplete: "off",
                                  spellcheck: "false", "aria-expanded": "false", "aria-controls": this.list.id,
                                  "aria-autocomplete": "list", value: value?.name || ""});
        const {node, fail} = wrap(this.input, {label, hint});
        this.node = node;
        this.fail = fail;
        this.input.after(this.list);
        this.listen();
    }

    listen() {
        this.input.addEventListener("input", () => this.typed());
        this.input.addEventListener("click", () => this.find(this.value ? "" : this.input.value));
        this.input.addEventListener("keydown", event => this.key(event));
        this.input.addEventListener("blur", () => this.close());
        // The list takes no focus, so that choosing by mouse leaves it in the field.
        this.list.addEventListener("mousedown", event => event.preventDefault());
        this.list.addEventListener("click", event => {
            const option = event.target.closest("[role=option]");
            if (option)
                this.choose([...this.list.children].indexOf(option));
        });
    }

    typed() {
        this.set(null);
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.find(this.input.value), PAUSE);
    }

    async find(text) {
        this.asking?.abort();
        this.asking = new AbortController();
        try {
            const found = await this.search(text.trim(), this.asking.signal);
            this.show(found, text.trim());
        } catch (error) {
            if (!isAbort(error))
                this.show([], text.trim());
        }
    }

    show(found, text) {
        if (document.activeElement !== this.input)
            return;
        const isKnown = !text || found.some(each => each.id === text || each.name === text);
        this.found = isKnown ? found : [...found, {id: text, name: text, isTyped: true}];
        this.at = -1;
        fill(this.list, this.found.map(each => this.option(each)));
        if (this.found.length === 0)
            this.list.append(el("li", {class: "option none"}, t("picker.none")));
        this.list.hidden = false;
        this.input.setAttribute("aria-expanded", "true");
        this.input.removeAttribute("aria-activedescendant");
        announce(t("picker.found", {n: found.length}));
    }

    option(each) {
        const words = each.isTyped ? t("picker.useId", {id: each.id}) : said(each.name, "bdi", {class: "option-name"});
        return el("li", {class: "option", role: "option", id: newId("option"), "aria-selected": "false"}, words,
                  each.detail && said(each.detail, "span", {class: "option-detail"}));
    }

    key(event) {
        const isOpen = !this.list.hidden;
        const moves = {ArrowDown: this.at + 1, ArrowUp: this.at - 1};
        if (event.key in moves) {
            event.preventDefault();
            if (isOpen)
                this.move(moves[event.key]);
            else
                this.find(this.value ? "" : this.input.value);
        } else if (event.key === "Enter" && isOpen) {
            event.preventDefault();
            this.choose(this.at >= 0 ? this.at : this.meant());
        } else if (event.key === "Escape" && isOpen) {
            event.preventDefault();
            event.stopPropagation();
            this.close();
        }
    }

    move(to) {
        if (this.found.length === 0)
            return;
        this.list.children[this.at]?.setAttribute("aria-selected", "false");
        this.at = (to + this.found.length) % this.found.length;
        const option = this.list.children[this.at];
        option.setAttribute("aria-selected", "true");
        option.scrollIntoView({block: "nearest"});
        this.input.setAttribute("aria-activedescendant", option.id);
    }

    /* The place of what was typed whole, or of the only one found; -1: it is not clear. */
    meant() {
        const text = this.input.value.trim().toLowerCase();
        const real = this.found.filter(each => !each.isTyped);
        const same = real.filter(each => each.name.toLowerCase() === text);
        const one = [same, real].find(each => each.length === 1);
        return one ? this.found.indexOf(one[0]) : -1;
    }

    choose(place) {
        if (place < 0)
            return;
        const {id, name} = this.found[place];
        this.input.value = name;
        this.set({id, name});
        this.close();
    }

    set(value) {
        this.value = value;
        this.fail(null);
        this.onChange(value);
    }

    close() {
        clearTimeout(this.timer);
        this.asking?.abort();
        this.list.hidden = true;
        this.input.setAttribute("aria-expanded", "false");
        this.input.removeAttribute("aria-activedescendant");
    }
}

export const picker = options => new Picker(options);
