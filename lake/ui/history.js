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
    const other = new URL(url ?? "", location.href).href !== location.href;
    (other && acted ? pushState : replaceState).call(history, state, title, url);
    acted &&= !other;
  };
}
