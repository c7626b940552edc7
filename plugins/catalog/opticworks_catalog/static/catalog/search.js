// Suggestions below the search field, as a combobox; and what closes filters and sorting again.
// Without script the field is a form, and filters and sorting are links and a form too.
(() => {
  "use strict";
  const field = document.getElementById("site-search-field");
  const box = document.getElementById("suggestions");
  const panel = document.getElementById("site-search");
  const spoken = document.getElementById("suggestion-status"); // read out when it changes
  const WAIT = 100; // milliseconds after the last key
  const LEAST = 2; // letters to suggest something for
  const CARET = ["ArrowLeft", "ArrowRight", "Home", "End"];
  const known = new Map(); // answers by what was typed
  let timer, asking, current = -1;

  const options = () => [...box.querySelectorAll("[role=option]")];

  function close() {
    clearTimeout(timer);
    if (asking) asking.abort();
    box.hidden = true;
    spoken.textContent = "";
    field.setAttribute("aria-expanded", "false");
    choose(-1);
  }

  /** Mark one of the suggestions as the one that Enter opens; -1 for what was typed. */
  function choose(index) {
    const all = options();
    current = all.length ? (index + 1 + all.length + 1) % (all.length + 1) - 1 : -1;
    all.forEach((one, place) => one.setAttribute("aria-selected", String(place === current)));
    if (current < 0) field.removeAttribute("aria-activedescendant");
    else {
      field.setAttribute("aria-activedescendant", all[current].id);
      all[current].scrollIntoView({ block: "nearest" });
    }
  }

  function show(html) {
    box.innerHTML = html;
    box.hidden = false;
    const said = box.querySelector("[data-spoken]");
    spoken.textContent = said ? said.textContent.trim() : "";
    field.setAttribute("aria-expanded", String(options().length > 0));
    choose(-1);
  }

  /** Show what there is for what was typed, and mark one of it: 0 the first, -2 the last. */
  async function ask(typed, first = -1) {
    if (asking) asking.abort();
    asking = new AbortController();
    try {
      if (!known.has(typed)) {
        const address = `${field.dataset.suggest}?q=${encodeURIComponent(typed)}`;
        const answer = await fetch(address, { signal: asking.signal });
        if (!answer.ok) return;
        known.set(typed, await answer.text());
      }
      if (field.value.trim() !== typed || document.activeElement !== field) return;
      show(known.get(typed));
      choose(first);
    } catch {
      // Nothing to suggest: the field still searches.
    }
  }

  /** What the keys of a combobox do; true for those that the field itself must not act on. */
  function press(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey) return false;
    const down = event.key === "ArrowDown";
    if (down || event.key === "ArrowUp") {
      const typed = field.value.trim();
      if (event.altKey && !down) close();
      else if (box.hidden && typed.length >= LEAST) ask(typed, event.altKey ? -1 : down ? 0 : -2);
      else if (!box.hidden && !event.altKey) choose(current + (down ? 1 : -1));
      return true;
    }
    if (event.key === "Escape" && !box.hidden) {
      close(); // the first Escape keeps what was typed
      return true;
    }
    if (event.key === "Enter" && current >= 0) {
      options()[current].click();
      return true;
    }
    if (CARET.includes(event.key)) choose(-1); // back to what was typed
    return false;
  }

  if (field && box) {
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-expanded", "false");
    field.setAttribute("aria-controls", "suggestion-list");
    field.addEventListener("input", () => {
      clearTimeout(timer);
      choose(-1); // Enter is for what stands in the field, not for a suggestion of before
      const typed = field.value.trim();
      if (typed.length < LEAST) close();
      else timer = setTimeout(() => ask(typed), known.has(typed) ? 0 : WAIT);
    });
    field.addEventListener("focus", () => {
      if (box.hidden && field.value.trim().length >= LEAST) ask(field.value.trim());
    });
    field.addEventListener("keydown", (event) => { if (press(event)) event.preventDefault(); });
    box.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
    field.addEventListener("blur", close);
    panel.addEventListener("toggle", (event) => {
      if (event.newState === "open") field.focus();
      else close();
    });
  }

  // --- filters and sorting: a click elsewhere or Escape closes them ---------------------------
  const dropdowns = () => document.querySelectorAll("details[data-dropdown][open]");
  document.addEventListener("click", (event) => {
    dropdowns().forEach((one) => { if (!one.contains(event.target)) one.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    dropdowns().forEach((one) => {
      one.open = false;
      if (one.contains(document.activeElement)) one.querySelector("summary").focus();
    });
  });
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id !== "filters") return;
    for (const name of ["min", "max"]) {
      if (!event.detail.parameters[name]) delete event.detail.parameters[name];
    }
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "filters" || !window.htmx) return;
    event.preventDefault(); // every change is shown already
    event.target.closest("details").open = false;
    event.target.closest("details").querySelector("summary").focus();
  });
})();
