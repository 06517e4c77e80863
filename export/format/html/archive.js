/* Search and filters of an HTML archive. The page is whole without it.
 *
 * The text of every conversation is read from the document in idle moments into one string, folded (case, accents),
 * a message a line. A search hides the conversations without a hit; a filter also hides messages. What is hidden or
 * marked inside a conversation is done when it comes into sight, so an answer costs the same in any archive.
 */
(() => {
  "use strict";
  const KINDS = { in: "Customer", bot: "Bot", agent: "Agent", other: "Other speakers", note: "Notes", event: "Events",
    skill: "Skills" };
  const NAMES_SHOWN = 300; // of speakers to filter by
  const HEADING = -1; // the place of a hit in what stands above a thread
  const root = document.documentElement;
  const nav = document.getElementById("tools");

  // --- folding: what a reader takes for the same ---
  const PLAIN = /^[\0-\x7f]*$/;
  // Accents and vowel points (of Latin, Greek, Cyrillic, Hebrew, Arabic), and what cannot be seen.
  const UNSEEN = new RegExp("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670" +
    "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]", "g");
  const ALIKE = { "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i",
    "ς": "σ", "’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "\u2028": " ", "\u2029": " " };
  const OTHERS = new RegExp(`[${Object.keys(ALIKE).join("")}]`, "g");
  const fold = (text) => PLAIN.test(text) ? text.toLowerCase()
    : text.normalize("NFKD").toLowerCase().replace(UNSEEN, "").replace(OTHERS, (each) => ALIKE[each]);
  const line = (text) => fold(text.replace(/\s/g, " "));
  // Words, and "several words" as one.
  const words = (text) => [...new Set((line(text).match(/"[^"]+"?|[^\s"]+/g) || [])
    .map((each) => each.replace(/"/g, "").trim()).filter((each) => each))].sort((a, b) => b.length - a.length);

  // --- the bar ---
  const make = (name, properties, ...inside) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...inside);
    return element;
  };
  const button = (text, title, press) => {
    const element = make("button", { type: "button", title, textContent: text });
    element.setAttribute("aria-label", title);
    element.addEventListener("click", press);
    return element;
  };
  const field = make("input", { type: "search", placeholder: "Search messages, contacts, dates",
    autocomplete: "off", spellcheck: false, title: "Press / to search, Enter for the next hit, Escape to clear" });
  field.setAttribute("aria-label", "Search messages, contacts and dates");
  const who = make("select", { title: "Show messages of this speaker alone" }, new Option("Everyone", ""));
  who.setAttribute("aria-label", "Speaker");
  const from = make("input", { type: "date" });
  const to = make("input", { type: "date" });
  const previous = button("↑", "Previous hit", () => go(-1));
  const next = button("↓", "Next hit", () => go(1));
  const clear = button("Clear", "Clear search and filters", () => reset());
  const more = button("Filters", "Filters", () =>
    more.setAttribute("aria-expanded", more.getAttribute("aria-expanded") !== "true"));
  more.id = "more";
  more.setAttribute("aria-expanded", "false");
  more.setAttribute("aria-controls", "filters");
  const count = make("output", {});
  const filters = make("div", { id: "filters" }, who, make("label", {}, "From", from), make("label", {}, "to", to),
    clear);
  const form = make("form", {}, field, count, previous, next, more, filters);
  form.setAttribute("role", "search");

  // --- the index ---
  const pages = []; // a conversation each, or a row of an index
  const speakers = []; // of all messages: what they are, and whose
  const speakerNumbers = new Map();
  let complete = false;

  const speakerOf = (row) => {
    const kind = row.className.includes("other") ? "other" : row.className.split(" ", 1)[0];
    const name = kind === "in" ? "" : row.firstElementChild.textContent.trim();
    const key = `${kind} ${name}`;
    let number = speakerNumbers.get(key);
    if (number === undefined) {
      number = speakers.push({ kind, name, rows: 0 }) - 1;
      speakerNumbers.set(key, number);
    }
    speakers[number].rows++;
    return number;
  };

  // The text of a message, its time, and its speaker unless that is the contact of the heading.
  const readRow = (row, page) => {
    let text = "", time = "";
    const contact = row.className.startsWith("in") ? page.title : null;
    for (let each = row.firstElementChild; each; each = each.nextElementSibling) {
      const part = each.textContent;
      if (each.localName === "time") time ||= part; // behind it: when it was edited
      else if (each.className === "re") continue;
      else if (each.localName !== "b" || part.trim() !== contact) text += part + " ";
    }
    page.who.push(speakerOf(row));
    page.day.push(Number(time.slice(0, 10).replace(/-/g, "")));
    return (text + time).replace(/\s/g, " ");
  };

  const readPage = (element) => {
    const title = element.querySelector("h2, a")?.textContent.trim() || "";
    const page = { element, title, who: [], day: [], at: [0], rows: null, lists: [] };
    const head = [], text = [];
    for (const each of element.children.length && element.localName === "article" ? element.children : [element]) {
      if (each.localName !== "ol") head.push(each.textContent);
      else page.lists.push(each);
    }
    for (const list of page.lists)
      for (let row = list.firstElementChild; row; row = row.nextElementSibling) text.push(readRow(row, page));
    page.head = line(head.join(" "));
    page.text = text.length ? fold(text.join("\n")) + "\n" : "";
    for (let at = page.text.indexOf("\n"); at >= 0; at = page.text.indexOf("\n", at + 1)) page.at.push(at + 1);
    return page;
  };

  // The next conversation that is whole: while the document loads, the last one may still grow.
  let reached = null;
  const following = () => {
    const main = document.querySelector("main");
    const after = reached ? reached.nextElementSibling
      : main && (main.querySelector("article") || main.querySelector("li, tbody > tr"));
    return after && (after.nextElementSibling || document.readyState !== "loading") ? after : null;
  };
  const read = (milliseconds) => {
    const end = performance.now() + milliseconds;
    for (let each; !complete && performance.now() < end;) {
      each = following();
      if (!each) break;
      reached = each;
      if (each.localName !== "p") pages.push(readPage(each));
    }
    if (!following() && document.readyState !== "loading") complete = true;
  };

  // In idle moments; without a pause as soon as somebody searches.
  const idle = window.requestIdleCallback || ((each) => setTimeout(() => each({ timeRemaining: () => 8 }), 30));
  let hurried = false, later = 0;
  const readFor = (milliseconds, again) => {
    if (complete) return;
    read(milliseconds);
    if (complete) offerSpeakers();
    else again();
    // An answer grows twice a second at most: it is also read out.
    if (!complete && (performance.now() < later || searched === pages.length)) return;
    later = performance.now() + 500;
    extend();
  };
  // Now and then also where a browser has no idle moment, as in a tab that nobody looks at.
  const readOn = (deadline) => readFor(Math.max(8, deadline.timeRemaining()), () => idle(readOn, { timeout: 1000 }));
  const hurry = () => readFor(60, () => setTimeout(hurry, 10));

  const offerSpeakers = () => {
    const chosen = who.value, kinds = new Map();
    for (const each of speakers) kinds.set(each.kind, (kinds.get(each.kind) || 0) + each.rows);
    const named = speakers.map((each, number) => ({ ...each, number })).filter((each) => each.name)
      .sort((a, b) => b.rows - a.rows).slice(0, NAMES_SHOWN).sort((a, b) => a.name.localeCompare(b.name));
    who.replaceChildren(new Option("Everyone", ""));
    for (const kind of Object.keys(KINDS)) if (kinds.has(kind)) who.append(new Option(KINDS[kind], kind));
    if (named.length > 1) {
      const group = make("optgroup", { label: "By name" });
      for (const { name, kind, number } of named) group.append(new Option(`${name} (${KINDS[kind] || kind})`, number));
      who.append(group);
    }
    who.value = chosen;
  };

  // --- search ---
  let asked = { words: [], passes: null };
  let found = []; // conversations with hits
  let before = []; // hits before each of them
  let hits = 0, now = -1;

  const wanted = () => Boolean(words(field.value).length || who.value || from.value || to.value);
  const day = (input, open) => (input.value ? Number(input.value.replace(/-/g, "")) : open);

  // Whether a message passes the filters; null where there are none.
  const filterOf = () => {
    const first = day(from, 0), last = day(to, Infinity), number = Number(who.value);
    if (!who.value && !from.value && !to.value) return null;
    const spoke = !who.value ? () => true : Number.isNaN(number) ? (each) => speakers[each].kind === who.value
      : (each) => each === number;
    return (page, row) => page.day[row] >= first && page.day[row] <= last && spoke(page.who[row]);
  };

  // Rows that hold the word, in order.
  const rowsWith = (page, word) => {
    const rows = [], { text, at } = page;
    for (let place = text.indexOf(word), row = 0; place >= 0; place = text.indexOf(word, at[row + 1])) {
      while (at[row + 1] <= place) row++;
      rows.push(row);
    }
    return rows;
  };

  // Every word is in the message or above its thread, and one at least in the message.
  const match = (page) => {
    const rest = asked.words.filter((each) => !page.head.includes(each));
    const all = () => Array.from(page.who, (_, row) => row);
    const passing = (rows) => (asked.passes ? rows.filter((row) => asked.passes(page, row)) : rows);
    if (!asked.words.length) return passing(all());
    if (rest.length) {
      const rows = passing(rowsWith(page, rest[0]));
      return rows.filter((row) => {
        const text = rest.length > 1 ? page.text.slice(page.at[row], page.at[row + 1]) : "";
        return rest.every((each, place) => place === 0 || text.includes(each));
      });
    }
    const rows = passing([...new Set(asked.words.flatMap((each) => rowsWith(page, each)))].sort((a, b) => a - b));
    if (!asked.passes) return [HEADING, ...rows];
    return rows.length ? rows : passing(all());
  };

  let searched = 0; // conversations that the question has been put to
  const extend = () => {
    const active = root.classList.contains("finding");
    for (; searched < pages.length; searched++) {
      const page = pages[searched];
      page.rows = active ? match(page) : null;
      const hidden = active && !page.rows.length;
      if (active && !hidden) {
        found.push(page);
        before.push(hits);
        hits += page.rows.length;
      }
      if (page.element.hidden !== hidden) page.element.hidden = hidden;
    }
    tell();
    show();
  };
  const find = () => {
    const active = wanted(), begins = active && !root.classList.contains("finding");
    forget();
    asked = { words: words(field.value), passes: filterOf() };
    found = [];
    before = [];
    hits = searched = 0;
    now = -1;
    root.classList.toggle("finding", active);
    extend();
    if (begins) document.querySelector("main")?.scrollIntoView();
  };

  const plural = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
  const tell = () => {
    const active = root.classList.contains("finding"), index = document.body.classList.contains("index");
    const what = index ? plural(hits, "file")
      : `${plural(hits, asked.words.length ? "hit" : "message")} in ${plural(found.length, "conversation")}`;
    const text = !active ? "" : !complete ? `${what} so far, reading on …` : !hits ? "Nothing found" : now < 0 ? what
      : `${(now + 1).toLocaleString("en")} of ${what}`;
    if (count.textContent !== text) count.textContent = text;
    previous.disabled = next.disabled = !hits;
    clear.disabled = !wanted();
  };

  // Once a frame, however fast somebody types; before anything that goes by the answer.
  let waiting = 0;
  const answer = () => {
    if (!waiting) return;
    clearTimeout(waiting);
    waiting = 0;
    find();
    if (!hurried) hurry();
    hurried = true;
  };
  const ask = () => { waiting ||= setTimeout(answer, 16); };

  // What was in sight stays in sight.
  const reset = () => {
    const here = now >= 0 ? place(now).target : found.length && inSight()[0]?.element;
    field.value = who.value = from.value = to.value = "";
    find();
    if (here) here.scrollIntoView({ block: now < 0 ? "start" : "center" });
    field.focus();
  };

  // --- hits in sight ---
  let drawn = new Set(); // lists and headings that show the answer to the last question
  const revealed = new Set(); // conversations that a link led into: shown whole until the next question
  let hitMarks = null, nowMarks = null;
  if (window.CSS && CSS.highlights && window.Highlight) {
    CSS.highlights.set("hit", (hitMarks = new Highlight()));
    CSS.highlights.set("now", (nowMarks = new Highlight()));
    nowMarks.priority = 1;
  }

  // The places of the words in a text, told in the text's own offsets whatever folding did to it.
  const places = (text) => {
    const folded = line(text), ranges = [];
    let starts = null;
    if (folded.length !== text.length || !PLAIN.test(text)) {
      starts = [];
      let at = 0;
      for (const each of text) {
        for (let i = line(each).length; i > 0; i--) starts.push(at);
        at += each.length;
      }
      starts.push(at);
    }
    for (const word of asked.words)
      for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + word.length)) {
        const end = at + word.length, first = starts ? starts[at] : at;
        ranges.push([first, starts ? Math.max(starts[end], first + 1) : end]);
      }
    return ranges;
  };
  const mark = (element, marks) => {
    if (!marks || !asked.words.length) return;
    const walk = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode())
      for (const [start, end] of places(node.data))
        marks.add(new StaticRange({ startContainer: node, startOffset: start, endContainer: node, endOffset: end }));
  };

  // A row's time leads to the row.
  const link = (row) => {
    const time = row.querySelector(":scope > time");
    if (!row.id || !time || time.firstElementChild) return;
    const anchor = make("a", { href: `#${row.id}` }, ...time.childNodes);
    time.append(anchor);
  };

  const drawList = (page, list, first) => {
    const marked = asked.words.length ? new Set(page.rows) : null;
    let number = first;
    for (let row = list.firstElementChild; row; row = row.nextElementSibling, number++) {
      link(row);
      if (!page.rows || revealed.has(page)) continue;
      row.hidden = Boolean(asked.passes) && !asked.passes(page, number);
      row.classList.toggle("hit", Boolean(marked && marked.has(number)));
      if (marked && marked.has(number)) mark(row, hitMarks);
    }
  };
  const seen = (element, margin) => {
    const box = element.getBoundingClientRect();
    return box.height > 0 && box.bottom > -margin && box.top < innerHeight + margin;
  };
  const draw = (page, everything) => {
    let first = 0;
    for (const list of page.lists) {
      if (!drawn.has(list) && (everything || seen(list, innerHeight))) {
        drawn.add(list);
        drawList(page, list, first);
      }
      first += page.lists.length > 1 ? list.childElementCount : 0;
    }
    if (drawn.has(page) || !page.rows) return;
    drawn.add(page);
    for (const each of page.element.children) if (each.localName !== "ol") mark(each, hitMarks);
  };
  let standing = null; // the hit that the reader is at
  const leave = () => {
    standing?.classList.remove("now");
    standing = null;
    nowMarks?.clear();
  };
  const forget = () => {
    for (const list of drawn) {
      if (!(list instanceof Element)) continue;
      for (let row = list.firstElementChild; row; row = row.nextElementSibling) {
        row.classList.remove("hit");
        row.hidden = false;
      }
    }
    revealed.clear();
    leave();
    drawn = new Set();
    hitMarks?.clear();
  };

  // Conversations stand one below the other, so those in sight are found by halving.
  const inSight = () => {
    const shown = root.classList.contains("finding") ? found : pages;
    let low = 0, high = shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (shown[middle].element.getBoundingClientRect().bottom < 0) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while (end < shown.length && seen(shown[end].element, innerHeight)) end++;
    return shown.slice(Math.max(0, low - 1), end);
  };
  let drawing = 0;
  const show = () => {
    drawing ||= requestAnimationFrame(() => {
      drawing = 0;
      for (const page of inSight()) draw(page, false);
    });
  };

  // --- from hit to hit ---
  const place = (number) => {
    let page = found.length - 1;
    while (before[page] > number) page--;
    const row = found[page].rows[number - before[page]];
    const rows = found[page].element.querySelectorAll(":scope > ol > li");
    const { element } = found[page];
    return { page: found[page], target: row === HEADING ? element.querySelector("h2") || element : rows[row] };
  };
  const go = (step) => {
    answer();
    if (!hits) return;
    const number = now < 0 && step < 0 ? hits - 1 : now + step;
    now = ((number % hits) + hits) % hits;
    const { page, target } = place(now);
    leave();
    standing = target;
    target.classList.add("now");
    draw(page, page.lists.length < 2);
    target.scrollIntoView({ block: "center" });
    mark(target, nowMarks);
    tell();
    show();
  };

  // A link to what a filter hides shows it.
  const reveal = () => {
    answer();
    let target = null;
    try {
      target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch { /* no address of ours */ }
    const page = target && pages.find((each) => each.element.contains(target));
    if (!page || !root.classList.contains("finding")) return;
    if (!page.element.hidden) draw(page, true); // else the next frame might hide the target
    if (!page.element.hidden && !target.hidden) return;
    revealed.add(page);
    page.element.hidden = false;
    for (const row of page.element.querySelectorAll("li[hidden]")) row.hidden = false;
    target.scrollIntoView();
  };

  // --- keys and events ---
  const typing = (element) => element && /^(input|select|textarea)$/.test(element.localName);
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "/" && !typing(event.target)) {
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "Escape" && !event.defaultPrevented) {
      if (wanted()) {
        event.preventDefault();
        reset();
      } else if (document.activeElement === field) field.blur();
    } else if (event.key === "Enter" && event.target === field && !event.isComposing) {
      event.preventDefault();
      go(event.shiftKey ? -1 : 1);
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ask);
  addEventListener("hashchange", reveal);
  addEventListener("scroll", show, { passive: true });
  addEventListener("resize", show, { passive: true });
  addEventListener("beforeprint", () => {
    answer();
    if (root.classList.contains("finding")) for (const page of found) draw(page, true);
  });

  if (!nav) return;
  nav.append(form);
  nav.setAttribute("aria-label", "Search");
  nav.hidden = false;
  root.classList.add("script", "loading");
  document.addEventListener("DOMContentLoaded", () => root.classList.remove("loading"));
  const measure = () => root.style.setProperty("--bar",
    getComputedStyle(nav).position === "sticky" ? `${nav.offsetHeight}px` : "0px");
  if (window.ResizeObserver) new ResizeObserver(measure).observe(nav);
  measure();
  tell();
  idle(readOn, { timeout: 1000 });
  addEventListener("load", show);
})();
