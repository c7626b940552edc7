// Suggestions below the search field, as a combobox; and what closes filters and sorting again.
// Without script the field is a form, and filters and sorting are links and a form too.
(() => {
  "use strict";
  const field = document.getElementById("site-search-field");
  const box = document.getElementById("suggestions");
  const panel = document.getElementById("site-search");
  const WAIT = 100; // milliseconds after the last key
  const known = new Map(); // answers by what was typed
  let timer, asking, current = -1;

  const options = () => [...box.querySelectorAll("[role=option]")];

  function close() {
    clearTimeout(timer);
    if (asking) asking.abort();
    box.hidden = true;
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
    field.setAttribute("aria-expanded", String(options().length > 0));
    choose(-1);
  }

  async function ask(typed) {
    if (asking) asking.abort();
    asking = new AbortController();
    try {
      if (!known.has(typed)) {
        const address = `${field.dataset.suggest}?q=${encodeURIComponent(typed)}`;
        const answer = await fetch(address, { signal: asking.signal });
        if (!answer.ok) return;
        known.set(typed, await answer.text());
      }
      if (field.value.trim() === typed && document.activeElement === field) show(known.get(typed));
    } catch {
      // Nothing to suggest: the field still searches.
    }
  }

  if (field && box) {
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-expanded", "false");
    field.setAttribute("aria-controls", "suggestion-list");
    field.addEventListener("input", () => {
      clearTimeout(timer);
      const typed = field.value.trim();
      if (typed.length < 2) close();
      else timer = setTimeout(() => ask(typed), known.has(typed) ? 0 : WAIT);
    });
    field.addEventListener("focus", () => {
      if (box.hidden && field.value.trim().length > 1) ask(field.value.trim());
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !box.hidden) {
        event.preventDefault(); // the first Escape keeps what was typed
        close();
      } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !box.hidden) {
        event.preventDefault();
        choose(current + (event.key === "ArrowDown" ? 1 : -1));
      } else if (event.key === "Enter" && current >= 0 && !box.hidden) {
        event.preventDefault();
        options()[current].click();
      }
    });
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
