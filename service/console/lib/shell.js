/**
 * The frame around the views: name, navigation, who is signed in, language, and whether the service is in reach.
 *
 * showRoute() ends the view there is and shows the one that the route names; redraw() does so after somebody
 * signed in or out, or chose another language. Exactly one view lives at a time, plus one dialog over it.
 */
import {button, el, fill, icon, linkButton, said} from "./dom.js";
import {LANGUAGES, chooseLanguage, language, loadMore, t, word} from "./texts.js";
import {href, noteShown, parse, shownAddress} from "./router.js";
import {may, session, signOut} from "./session.js";
import {isAbort, isReachable, onReach} from "./api.js";
import {mountNotices, warn} from "./notice.js";
import {errorWords, failed, heading, loading} from "./states.js";
import {viewOf, views} from "./views.js";
import {showSignIn} from "../views/sign_in.js";

const header = el("header", {class: "top"});
const reach = el("div", {class: "reach", role: "status"});
const main = el("main", {id: "main"});
let life = new AbortController();
let overLife = null;
let hasBegun = false; // the page that was opened leaves the focus where the browser put it

function skipLink() {
    const skip = event => {
        event.preventDefault();
        main.querySelector("h1")?.focus();
    };
    return el("a", {class: "skip", href: "#main", onclick: skip}, t("shell.skip"));
}

function languageChoice() {
    const change = async event => {
        await chooseLanguage(event.target.value);
        redraw();
        header.querySelector(".language")?.focus();
    };
    const options = Object.entries(LANGUAGES).map(([tag, name]) =>
        el("option", {value: tag, lang: tag, selected: tag === language}, name));
    return el("select", {class: "language", "aria-label": t("shell.language"), onchange: change}, options);
}

async function leave() {
    try {
        await signOut();
    } catch (error) {
        warn(errorWords(error));
    }
}

function identity() {
    const name = session.user || session.key_name;
    return el("div", {class: "identity"},
              el("p", {class: "who"}, said(name), el("span", {class: "role"}, word("role", session.role))),
              button(t("shell.signOut"), {kind: "quiet", picture: "out", onclick: leave}));
}

function navigation(route) {
    const base = viewOf(route)?.over || route.name;
    const links = views.filter(view => view.nav && may(view.right)).map(view =>
        el("a", {href: href(view.name), "aria-current": view.name === base ? "page" : null}, t(`nav.${view.name}`)));
    return el("nav", {"aria-label": t("shell.navigation")}, links);
}

function drawHeader(route) {
    const brand = el("p", {class: "brand"}, el("img", {src: "./icon.svg", alt: "", width: 22, height: 22}), "Verbatim",
                     session && [el("span", {class: "slash", "aria-hidden": "true"}, "/"),
                                 said(session.workspace.name || session.workspace.id, "bdi", {class: "workspace"})]);
    fill(header, el("div", {class: "top-line"}, brand,
                    el("div", {class: "top-right"}, languageChoice(), session && identity())),
         session && navigation(route));
}

function drawReach() {
    fill(reach, !isReachable() && el("p", {class: "reach-words"}, icon("again"), t("shell.offline")));
}

/** Once, before anything is shown. */
export function mountShell() {
    const place = el("div", {class: "frame"});
    place.append(header, reach, main);
    document.body.replaceChildren(skipLink(), place);
    mountNotices(document.body);
    onReach(drawReach);
    drawReach();
    main.append(loading());
}

/* Why it is not there: the role is the key's, and another key is the remedy. */
function notAllowed(view) {
    return [heading(t("denied.title")),
            el("div", {class: "callout"}, el("p", {}, t(`denied.${view.right}`)),
               el("p", {}, t("denied.role", {role: word("role", session.role), key: session.key_name})))];
}

function notThere() {
    return [heading(t("missing.title")), el("p", {}, t("missing.text")),
            el("p", {class: "actions"}, linkButton(t("nav.exports"), href("exports")))];
}

let moreStyles = null;

/* What the first views can do without comes with the first one that needs it. */
function loadStyles() {
    moreStyles ??= new Promise(resolve => {
        const sheet = el("link", {rel: "stylesheet", href: "./more.css", onload: resolve, onerror: resolve});
        document.head.append(sheet);
    });
    return moreStyles;
}

async function loadView(view) {
    const [module] = await Promise.all([view.load(), view.more && loadMore(view.more), view.more && loadStyles()]);
    return module;
}

async function run(view, route, signal) {
    try {
        const module = await loadView(view);
        if (!signal.aborted)
            await module.show({root: main, route, signal});
    } catch (error) {
        if (!signal.aborted && !isAbort(error))
            fill(main, heading(t("error.title")), failed(error, () => showBase(view, route)));
    }
}

async function openOver(view, route) {
    overLife = new AbortController();
    const {signal} = overLife;
    const away = () => {
        if (signal.aborted)
            return;
        history.replaceState(null, "", shownAddress() || href(view.over)); // Back does not open it again
        drawHeader(parse(location.hash));
    };
    try {
        const module = await loadView(view);
        if (!signal.aborted)
            await module.open({route, signal, leave: away});
    } catch (error) {
        if (!signal.aborted && !isAbort(error)) {
            warn(errorWords(error));
            away();
        }
    }
}

const addressOf = route => href(route.name, route.id, Object.fromEntries(route.query));

/* The heading gets the focus as soon as the view has put it there, not when all of it is loaded. */
function focusHeading(signal) {
    const look = () => {
        const title = main.querySelector("h1");
        if (!title || document.querySelector("dialog[open]"))
            return;
        watch.disconnect();
        title.focus({preventScroll: true});
    };
    const watch = new MutationObserver(look);
    watch.observe(main, {childList: true});
    signal.addEventListener("abort", () => watch.disconnect());
    look();
}

async function showBase(view, route) {
    life.abort();
    life = new AbortController();
    noteShown(addressOf(route));
    fill(main);
    if (hasBegun)
        focusHeading(life.signal);
    hasBegun = true;
    window.scrollTo(0, 0);
    if (!view || !may(view.right))
        fill(main, view ? notAllowed(view) : notThere());
    else
        await run(view, route, life.signal);
}

function showKeyPage() {
    life.abort();
    life = new AbortController();
    noteShown(null);
    hasBegun = true;
    showSignIn(main, life.signal);
}

/** Shows the view of the route: the sign-in without a session, whatever was asked for; it goes on from there.
 * A dialog is opened over the view there is, and that view is left alone when the dialog closes. */
export async function showRoute(wanted) {
    const route = wanted.name === "sign-in" && session ? parse("") : wanted;
    overLife?.abort();
    overLife = null;
    document.querySelector(".skip").replaceWith(skipLink());
    drawHeader(route);
    if (!session) {
        showKeyPage();
        return;
    }
    const view = viewOf(route);
    if (view?.over && may(view.right)) {
        if (shownAddress() === null)
            showBase(viewOf({name: view.over, id: null}), parse(href(view.over)));
        await openOver(view, route);
    } else if (shownAddress() !== addressOf(route)) {
        await showBase(view, route);
    }
}

/** Draws all of it anew for the session and the language there are. */
export function redraw() {
    noteShown(null);
    drawReach();
    return showRoute(parse(location.hash));
}
