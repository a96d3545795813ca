// A time in a link that somebody wrote may be a day, or have seconds or a zone, as `lake panels` takes it.
// Streamlit's widget reads minutes of UTC and drops all else: it is told these, before it reads the address.
{
  const address = new URL(location.href);
  for (const key of ["from", "to"]) {
    const text = address.searchParams.get(key) ?? "";
    const written = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(?:(Z)|[ +](\d\d:\d\d)|(-\d\d:\d\d))?)?$/.exec(text);
    if (!written) continue;
    const [, day, minute = "00:00", second = "", utc, east, west] = written;
    const moment = new Date(`${day}T${minute}${second}${utc ?? (east ? `+${east}` : west ?? "Z")}`);
    if (key === "to") moment.setTime(moment.getTime() + 59_999);  // an end within a minute takes in that
    if (!isNaN(moment)) address.searchParams.set(key, moment.toISOString().slice(0, 16));
  }
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}

// One entry in the browser's history for each change of what is looked at. Streamlit replaces the
// entry where a reader uses a widget that the address has, and adds one for each widget that the
// page itself sets: three for a range of time, none for a search. Here the first address that is
// written after a reader's key or click is an entry, and what follows goes into the same one.
{
  let acted = false;
  for (const kind of ["pointerdown", "keydown"])
    addEventListener(kind, () => { acted = true; }, true);
  addEventListener("popstate", () => { acted = false; }, true);
  const { pushState, replaceState } = history;
  history.pushState = history.replaceState = function (state, title, url) {
    const next = new URL(url ?? "", location.href);
    const other = next.href !== location.href;
    // another thing, or another search, is read from its head, though it is drawn in place of the one before
    const now = new URL(location.href).searchParams;
    if (["entity", "q"].some(key => next.searchParams.get(key) !== now.get(key)))
      document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
    (other && acted ? pushState : replaceState).call(history, state, title, url);
    acted &&= !other;
  };
}

// What a popover holds stands at the end of the document, so that a reader without a mouse who opens
// one would go through the whole page to it: here its first field has the focus, and the button
// again once it is closed. A list in it takes its fields out of the reach of Tab when it closes, until
// the focus comes from elsewhere.
{
  const follow = (opener, inside, left) => {
    const body = document.querySelector('[data-testid="stPopoverBody"]');
    const first = body?.querySelector("input, textarea, button");
    if (!inside && first) { first.focus(); inside = true; }
    if (inside && !body) {
      if (document.activeElement === document.body) opener.focus();
    } else if (inside || left) setTimeout(follow, 100, opener, inside, left - 1);
  };
  addEventListener("click", event => {
    const opener = event.target.closest?.('[data-testid="stPopover"] button');
    if (opener && !event.detail) setTimeout(follow, 100, opener, false, 100);
  });
  addEventListener("keydown", event => {
    const at = document.activeElement;
    if (event.key === "Tab" && at.closest('[data-testid="stPopoverBody"]')) { at.blur(); at.focus(); }
  }, true);
}

// For whoever hears the page, or has no mouse. A table whose cells are filters takes the focus of Tab as
// the choice of its first cell: it is passed by, its cells are behind its card's button too. The mark that explains a card stands beside its title and has none of it
// in its own name, so that "Help" is heard twenty times. And the page says which language it is in, as
// lake/ui/words.py finds it: a voice for English cannot read Japanese.
{
  let waits = false;
  const name = () => {
    waits = false;
    const chosen = new URL(location.href).searchParams.get("lang");
    const known = [chosen, navigator.language.split("-")[0]].find(one => ["en", "ja"].includes(one));
    document.documentElement.lang = known ?? "en";
    // also one that was named before: the page writes other words beside it and leaves its name
    for (const help of document.querySelectorAll('[data-testid="stMarkdown"] :is([aria-label="Help"], [data-explains])')) {
      const beside = help.closest('[data-testid="stMarkdown"]').textContent.trim();
      if (!beside) continue;
      help.dataset.explains = "";
      help.setAttribute("aria-label", known === "ja" ? `${beside} の説明` : `Help for ${beside}`);
    }
    // A gradient is named with the address that the page had when it was drawn, and is lost with the next
    for (const drawn of document.querySelectorAll('[data-testid="stVegaLiteChart"] [fill^="url(http"]')) {
      drawn.setAttribute("fill", drawn.getAttribute("fill").replace(/^url\([^#]*/, "url("));
    }
    for (const grid of document.querySelectorAll('[class*="st-key-cells-"] canvas[tabindex="0"]')) {
      grid.tabIndex = -1;
    }
  };
  new MutationObserver(() => { if (!waits) setTimeout(name, 300); waits = true; })
    .observe(document, {childList: true, subtree: true});
}

// Shift and a click on a chart leave a value out; the browser would mark all text since the last click.
addEventListener("mousedown", event => {
  if (event.shiftKey && event.target.closest?.('[data-testid="stVegaLiteChart"]')) event.preventDefault();
}, true);

// The whole page has the focus once a click fell on it, and any key, such as the Shift of a click, would
// frame it all: the frame is for whoever came to it with a key.
for (const [kind, by] of [["pointerdown", "hand"], ["keydown", "key"]])
  addEventListener(kind, event => {
    if (kind === "pointerdown" || event.key === "Tab") document.documentElement.dataset.moves = by;
  }, true);

// Enter in the name of a query saves it; in a form of Streamlit's it would press Run. What an input
// method takes as the end of a word is none.
addEventListener("keydown", event => {
  if (event.key !== "Enter" || event.isComposing || !event.target.closest?.(".st-key-sql-name")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  event.target.blur();
  setTimeout(() => document.querySelector(".st-key-sql-save button")?.click());
}, true);
