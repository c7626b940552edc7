// Niceties of the admin; every page works without them.
(() => {
  "use strict";
  document.documentElement.classList.add("has-script");

  // Copy buttons.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      return;
    }
    button.dataset.copied = "";
    const status = document.getElementById("status");
    if (status) status.textContent = button.dataset.said || "";
    setTimeout(() => delete button.dataset.copied, 2000);
  });

  // A row opens like its first link, unless something inside was meant or text was selected.
  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-href]");
    if (!row || event.target.closest("a, button, input, select, label")) return;
    if (String(getSelection())) return;
    if (event.metaKey || event.ctrlKey) window.open(row.dataset.href, "_blank", "noopener");
    else location.assign(row.dataset.href);
  });

  // "/" goes to the search field.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const field = document.querySelector("[data-search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  });

  // Filters apply as they are chosen.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form && event.target.matches("select, input[type=date]")) form.requestSubmit();
  });

  // What runs in the background is looked at again until it is done.
  const watch = async () => {
    const here = document.querySelector("[data-watch]");
    if (!here) return;
    try {
      const answer = await fetch(here.dataset.watch, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector("[data-watch]");
      if (answer.ok && !now) return location.replace(here.dataset.watch);
      if (now) here.replaceChildren(...now.childNodes);
    } catch {
      // No answer this time; the next one may come.
    }
    setTimeout(watch, 1500);
  };
  setTimeout(watch, 800);

  // What is shown live stands still while somebody reads or picks in it, or looks elsewhere.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.target.closest("[data-live]")) return;
    const rows = document.querySelector(event.target.getAttribute("hx-target"));
    const busy = rows?.contains(document.activeElement) || rows?.querySelector(":checked");
    if (busy || document.hidden || String(getSelection())) event.preventDefault();
  });

  // Rows of a form: add, remove, move. The numbers in "place" are what the server goes by.
  const rowsOf = (list) => [...list.children].filter((row) => row.matches("[data-row]"));
  const renumber = (list) => {
    rowsOf(list).forEach((row, index) => {
      const place = row.querySelector(":scope > .row-tools [data-row-place]");
      if (place) place.value = index + 1;
    });
    list.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const say = (text) => {
    const status = document.getElementById("status");
    if (status) status.textContent = text;
  };
  const focusIn = (row) =>
    row.querySelector("input:not([type=hidden]):not([data-row-place]), select, textarea")?.focus();
  let fresh = 10000; // above every index the server writes
  document.querySelectorAll("[data-row][data-blank]").forEach((row) => row.remove());
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-row-add], [data-row-delete], [data-row-move]");
    const field = button?.closest("[data-rows]");
    if (!field) return;
    const list = field.querySelector(":scope > [data-row-list]");
    const row = button.closest("[data-row]");
    if ("rowAdd" in button.dataset) {
      const copy = document.createElement("template");
      const source = field.querySelector(":scope > template").innerHTML;
      copy.innerHTML = source.replaceAll(field.dataset.rows, String(fresh++));
      const added = copy.content.querySelector("[data-row]");
      list.append(added);
      focusIn(added);
      say("Row added");
    } else if ("rowDelete" in button.dataset) {
      const next = row.nextElementSibling || row.previousElementSibling;
      row.remove();
      (next?.querySelector("[data-row-delete]") || field.querySelector("[data-row-add]"))?.focus();
      say("Row removed");
    } else {
      const up = button.dataset.rowMove === "-1";
      const other = up ? row.previousElementSibling : row.nextElementSibling;
      if (!other) return;
      if (up) other.before(row);
      else other.after(row);
      button.focus();
      say(`Row ${rowsOf(list).indexOf(row) + 1} of ${rowsOf(list).length}`);
    }
    renumber(list);
  });

  // A form with changes says so, and asks before they are lost.
  const changed = (form) => form.querySelector("[data-changed]");
  let unsaved = false;
  document.addEventListener("input", (event) => {
    const note = event.target.closest("form") && changed(event.target.closest("form"));
    if (!note) return;
    unsaved = true;
    note.hidden = false;
  });
  addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
  document.querySelector("[data-summary]")?.focus();

  // Many rows at once: tick all, tick a range with shift, say how many.
  document.querySelectorAll("form[data-bulk]").forEach((form) => {
    const every = () => [...form.querySelectorAll("[data-pick]")]; // anew: rows may be live
    const results = form.querySelector("[data-pick-results]");
    const bar = form.querySelector("[data-bulk-bar]");
    const count = form.querySelector("[data-bulk-count]");
    if (!bar) return;
    let last = null;
    const show = () => {
      const boxes = every();
      const all = form.querySelector("[data-pick-all]");
      const ticked = boxes.filter((box) => box.checked).length;
      const number = results?.checked ? Number(form.dataset.total) : ticked;
      count.textContent = `${number} selected`;
      if (ticked || results?.checked) delete bar.dataset.empty;
      else bar.dataset.empty = "";
      if (all) {
        all.checked = ticked === boxes.length;
        all.indeterminate = ticked > 0 && ticked < boxes.length;
      }
    };
    form.addEventListener("click", (event) => {
      const box = event.target.closest("[data-pick]");
      if (!box) return;
      const boxes = every();
      if (event.shiftKey && boxes.includes(last)) {
        const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
        boxes.slice(from, to + 1).forEach((each) => (each.checked = box.checked));
      }
      last = box;
    });
    form.addEventListener("change", (event) => {
      const all = event.target.closest("[data-pick-all]");
      if (all) every().forEach((box) => (box.checked = all.checked));
      if (event.target.matches("[data-pick]:not(:checked)") && results) results.checked = false;
      show();
    });
    addEventListener("pageshow", show);
    show();
  });

  // Fields for one choice of another field are shown with it, panels of none are not shown.
  document.querySelectorAll("form:has([data-when])").forEach((form) => {
    const arrange = () => {
      form.querySelectorAll("[data-when]").forEach((field) => {
        const [name, values] = field.dataset.when.split("=");
        const chosen = form.elements[name]?.value;
        const fits = chosen === undefined || values.split(",").includes(chosen);
        field.hidden = !fits && !field.querySelector(".field-error");
      });
      form.querySelectorAll(".panel:has([data-when])").forEach((panel) => {
        panel.hidden = !panel.querySelector(".schema-fields > :not([hidden])");
      });
    };
    form.addEventListener("change", arrange);
    addEventListener("pageshow", arrange);
    arrange();
  });

  // One click, one deed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) return event.preventDefault();
    unsaved = false;
    form.dataset.sent = "1";
    form.querySelectorAll("button[type=submit]").forEach((b) => b.setAttribute("aria-busy", "true"));
  });
  addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("[aria-busy]").forEach((b) => b.removeAttribute("aria-busy"));
    });
  });
})();
