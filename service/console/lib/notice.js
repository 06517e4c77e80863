/**
 * What the page tells in passing: words for those who listen, and short notes for all.
 *
 * While a modal dialog is open everything outside it is dead to readers, so both go into the topmost
 * dialog. Notes of success leave after a while, which stops under the pointer or the focus; those of
 * failure stay until they are closed. They stand at the bottom, and go to the top from above what has the focus.
 */
import {button, el} from "./dom.js";
import {t} from "./texts.js";

const STAY = 8000;

/** Where to tell it: the topmost open dialog, or the page. */
function host() {
    return [...document.querySelectorAll("dialog[open]")].at(-1) || document.body;
}

function region(kind, make) {
    const place = host();
    let node = place.querySelector(`:scope > .${kind}`);
    if (!node) {
        node = make();
        place.append(node);
    }
    return node;
}

const makeLive = () => el("div", {class: "live unseen", role: "status", "aria-live": "polite"});
const makeNotes = () => el("div", {class: "notes", role: "region", "aria-label": t("note.region")});

const overlap = (one, other) => one.top < other.bottom && other.top < one.bottom && one.left < other.right &&
    other.left < one.right;

/* Once the page has scrolled to what got the focus. */
function makeWay() {
    requestAnimationFrame(() => {
        const focused = document.activeElement;
        for (const notes of document.querySelectorAll(".notes"))
            if (!notes.contains(focused) && [...notes.children].some(note =>
                overlap(note.getBoundingClientRect(), focused.getBoundingClientRect())))
                notes.classList.toggle("above");
    });
}

/** The regions have to be in the page before they speak. */
export function mountNotices(place) {
    place.append(makeLive(), makeNotes());
    document.addEventListener("focusin", makeWay);
}

/** Says it to those who listen; the same words twice are said twice. */
export function announce(text) {
    const node = region("live", makeLive);
    node.textContent = "";
    setTimeout(() => {
        node.textContent = text;
    }, 50);
}

function leaveLater(note) {
    let timer = 0;
    const start = () => {
        clearTimeout(timer);
        timer = setTimeout(() => note.remove(), STAY);
    };
    const hold = () => clearTimeout(timer);
    const reactions = {pointerenter: hold, focusin: hold, pointerleave: start, focusout: start};
    for (const [name, does] of Object.entries(reactions))
        note.addEventListener(name, does);
    start();
}

function show(text, kind, children) {
    const note = el("div", {class: `note ${kind}`, role: kind === "bad" ? "alert" : null},
                    el("p", {}, text), children,
                    button(t("note.close"), {kind: "quiet small", onclick: () => note.remove()}));
    region("notes", makeNotes).append(note);
    makeWay();
    if (kind === "bad")
        return note;
    announce(text);
    leaveLater(note);
    return note;
}

export const tell = (text, ...children) => show(text, "good", children);
export const warn = (text, ...children) => show(text, "bad", children);
