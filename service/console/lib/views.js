/**
 * The views there are: one row each, loaded when they are first gone to.
 *
 * `right` is what the role needs (lib/session.js); without it the view says why it is not there. `nav`
 * puts it into the navigation, in this order, for those who may. `id` says whether the address names one
 * thing. `over` opens it as a dialog over the view of that name. `more`:
 * names of the files in texts/ with its texts beyond those of the first view, as in texts/LANGUAGE_more.js; more.css
 * comes with them.
 */
export const views = [
    {name: "exports", id: false, right: "look", nav: true, load: () => import("../views/exports.js")},
    {name: "exports", id: true, right: "look", more: ["more"], load: () => import("../views/export.js")},
    {name: "new", right: "export", over: "exports", more: ["more"], load: () => import("../views/new.js")},
    {name: "conversation", right: "export", over: "exports", more: ["more"],
     load: () => import("../views/conversation.js")},
    {name: "people", right: "own_door", nav: true, more: ["more", "admin"], load: () => import("../views/people.js")},
    {name: "audit", right: "audit", nav: true, more: ["more", "admin"], load: () => import("../views/audit.js")},
    {name: "keys", right: "admin", nav: true, more: ["more", "admin"], load: () => import("../views/keys.js")},
    {name: "settings", right: "look", nav: true, more: ["more", "admin"], load: () => import("../views/settings.js")},
];

/** The row of a route, or undefined. */
export function viewOf({name, id}) {
    return views.find(view => view.name === name && (view.id === undefined || view.id === (id !== null)));
}
