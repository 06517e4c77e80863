/**
 * The console's beginning: texts, session, then the view that the address names.
 *
 * How a view is made (views/exports.js is one): a module in views/, a row in lib/views.js, texts
 * under its own name in texts/en_more.js and texts/de_more.js, or in files that `more` of the row names, and each file
 * in the CMakeLists.txt beside this one. The name in the navigation, "nav.NAME", is in texts/en.js and texts/de.js. The
 * module exports
 *
 *     export async function show({root, route, signal})
 *
 * `root` is an empty <main>: put one heading() in first (lib/states.js; it takes the focus when the view is
 * gone to), then the rest. `route` is {name, id, query} of lib/router.js. `signal` is aborted when another view
 * is shown: hand it to requests (get(path, query, signal)), addEventListener(..., {signal}) and follow();
 * nothing else cleans up. What show() throws is shown as an error with "Try again", an abort is silent.
 * A view whose row says `over` is a dialog over another one: it exports open({route, signal, leave}),
 * and calls leave() when its dialog was closed by itself. Text of people goes through said() of lib/dom.js.
 */
import {loadTexts, t} from "./lib/texts.js";
import {dropSecrets, href, start} from "./lib/router.js";
import {onSession, restore, session} from "./lib/session.js";
import {onReach} from "./lib/api.js";
import {warn} from "./lib/notice.js";
import {mountShell, redraw, showRoute} from "./lib/shell.js";
import {askForKey} from "./views/sign_in.js";

function refuseKeyInAddress() {
    if (dropSecrets())
        warn(t("secret.inAddress"));
}

await loadTexts();
mountShell();
refuseKeyInAddress();
window.addEventListener("hashchange", refuseKeyInAddress);
onSession({changed: redraw, open: askForKey});
const begin = async () => {
    try {
        await restore();
    } catch {
        return false; // not in reach: the shell says so, and the views try again
    }
    return true;
};
await begin();
onReach(async isReachable => {
    if (isReachable && !session && await restore())
        redraw();
});
if (location.hash === "")
    history.replaceState(null, "", href("exports"));
start(showRoute);
