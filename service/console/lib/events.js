/**
 * Following exports without asking for each: one stream of server-sent events for this page.
 *
 * follow({changed, gone, refresh, isBusy}, signal): `changed(export)` and `gone(id)` are told as it
 * happens; `refresh()` is called when something may have been missed (the stream began, the tab was hidden, the
 * service was away). Without a stream the page asks: every 3 s while `isBusy()`, else
 * every 15 s, and tries the stream again after a minute. A hidden tab follows nothing. All of it ends with the signal.
 */
import {isReachable, onReach, path, url} from "./api.js";

const BUSY = 3000;
const IDLE = 15000;
const AGAIN = 60000;

class Follower {
    constructor(handlers, signal) {
        this.handlers = handlers;
        this.signal = signal;
        this.stream = null;
        this.timer = 0;
        this.refreshed = Date.now();
    }

    begin() {
        if (this.signal.aborted || document.hidden || this.stream)
            return;
        const stream = new EventSource(url(path("exports", "events")));
        this.stream = stream;
        stream.addEventListener("ready", () => {
            clearTimeout(this.timer);
            this.refresh(); // what came about before this word is told by nobody
        });
        stream.addEventListener("export", event => this.handlers.changed(JSON.parse(event.data)));
        stream.addEventListener("gone", event => this.handlers.gone(JSON.parse(event.data).export_id));
        stream.addEventListener("error", () => this.failed(stream));
    }

    /* The browser tries again by itself unless the answer was no stream at all: then it is polling's turn. */
    failed(stream) {
        if (stream.readyState === EventSource.CLOSED) {
            this.stream = null;
            this.retryAt ??= Date.now() + AGAIN;
            this.refresh(); // which also finds out whether the session is why
        }
        this.poll();
    }

    poll() {
        clearTimeout(this.timer);
        if (this.signal.aborted || document.hidden)
            return;
        this.timer = setTimeout(() => {
            const isDue = this.handlers.isBusy() || Date.now() - this.refreshed >= IDLE;
            if (isReachable() && isDue)
                this.refresh();
            if (!this.stream && Date.now() >= this.retryAt) {
                this.retryAt = null;
                this.begin();
            }
            this.poll();
        }, BUSY);
    }

    refresh() {
        this.refreshed = Date.now();
        this.handlers.refresh();
    }

    end() {
        clearTimeout(this.timer);
        this.stream?.close();
        this.stream = null;
    }

    seen() {
        if (document.hidden) {
            this.end();
            return;
        }
        this.refresh();
        this.begin();
    }

    reached(value) {
        if (!value || this.signal.aborted || document.hidden)
            return;
        this.end();
        this.refresh();
        this.begin();
    }
}

let current = null;
onReach(value => current?.reached(value));

export function follow(handlers, signal) {
    const follower = new Follower(handlers, signal);
    current = follower;
    document.addEventListener("visibilitychange", () => follower.seen(), {signal});
    signal.addEventListener("abort", () => {
        follower.end();
        current = current === follower ? null : current;
    });
    follower.begin();
}

/** Tells whoever follows of an export that this page has just made. */
export function made(item) {
    current?.handlers.changed(item);
}
