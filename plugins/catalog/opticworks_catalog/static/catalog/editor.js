// The product's and the collection's page: a grid like a spreadsheet, and care for what is typed.
// Everything works without it, only slower.
(() => {
  "use strict";
  const form = document.querySelector("form[data-guard]");
  if (!form) return;
  const say = (text) => (document.getElementById("status").textContent = text);

  // --- what has changed, and leaving with it ---------------------------------------------------
  const counter = form.querySelector("[data-count]");
  const alreadyChanged = form.dataset.guard === "dirty";
  const valueOf = (field) => (field.matches("[type=checkbox], [type=radio]") ? field.checked : field.value);
  const initial = new Map();
  const fields = () =>
    [...form.elements].filter((f) => f.name && f.type !== "hidden" && f.name !== "columns" && f.type !== "submit");
  fields().forEach((field) => initial.set(field, valueOf(field)));
  const changes = () => {
    const now = fields();
    const changed = now.filter((f) => (initial.has(f) ? initial.get(f) !== valueOf(f) : valueOf(f))).length;
    const gone = [...initial.keys()].filter((f) => !f.isConnected).length;
    return changed + gone;
  };
  let number = 0;
  const show = () => {
    number = changes();
    const dirty = number > 0 || alreadyChanged;
    if (!counter) return;
    counter.hidden = !dirty;
    counter.textContent = number === 1 ? "1 change" : number ? `${number} changes` : "Not saved yet";
  };
  const mark = (field) => {
    const cell = field.closest("td[data-cell]");
    if (cell) cell.toggleAttribute("data-changed", initial.get(field) !== valueOf(field));
  };
  let waiting = 0;
  form.addEventListener("input", (event) => {
    mark(event.target);
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(show);
  });
  show();
  let leaving = false;
  form.addEventListener("submit", () => (leaving = true));
  const isDirty = () => !leaving && (changes() > 0 || alreadyChanged);
  addEventListener("pageshow", () => (leaving = false));
  addEventListener("beforeunload", (event) => {
    if (isDirty()) event.preventDefault();
  });
  const dialog = document.querySelector("[data-guard-dialog]");
  let target = "";
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || !dialog || link.target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.getAttribute("href").startsWith("#") || !isDirty()) return;
    event.preventDefault();
    target = link.href;
    dialog.showModal();
    dialog.querySelector("[data-guard-stay]").focus();
  });
  dialog?.addEventListener("click", (event) => {
    if (event.target.closest("[data-guard-stay]")) dialog.close();
    if (event.target.closest("[data-guard-leave]")) {
      leaving = true;
      location.assign(target);
      if (target.split("#")[0] === location.href.split("#")[0]) location.reload();
    }
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && (event.key === "Enter" || event.key.toLowerCase() === "s")) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("button[value=save]"));
    }
  });
  document.querySelector("[data-summary]")?.focus();

  // --- the grid --------------------------------------------------------------------------------
  const grid = form.querySelector("[data-grid]");
  if (grid) {
    const rows = [...grid.tBodies[0].rows];
    const cellOf = (field) => field.closest("td");
    const fieldIn = (row, name) => row?.querySelector(`td[data-cell="${name}"] :is(input, select)`);
    const shown = (row) =>
      [...row.querySelectorAll("td[data-cell] :is(input, select)")].filter((f) => f.offsetParent !== null);
    let undo = [];
    const set = (field, value) => {
      if (!field || field.value === value) return null;
      const before = field.value;
      if (field.tagName === "SELECT") {
        const option = [...field.options].find((o) =>
          [o.value.toLowerCase(), o.text.trim().toLowerCase()].includes(value.trim().toLowerCase()));
        if (!option) return null;
        field.value = option.value;
      } else field.value = value.trim();
      field.dispatchEvent(new Event("input", { bubbles: true }));
      return [field, before];
    };
    const go = (field) => {
      if (!field) return false;
      field.focus();
      if (field.select) field.select();
      return true;
    };
    let last = null;
    grid.addEventListener("focusin", (event) => {
      if (event.target.closest("td[data-cell]")) last = event.target;
    });
    grid.addEventListener("keydown", (event) => {
      const field = event.target;
      if (!field.closest("td[data-cell]") || event.altKey) return;
      const row = field.closest("tr");
      const at = rows.indexOf(row);
      const name = cellOf(field).dataset.cell;
      const isSelect = field.tagName === "SELECT";
      const whole = isSelect || (field.selectionStart === 0 && field.selectionEnd === field.value.length);
      const command = event.ctrlKey || event.metaKey;
      let done = false;
      if (event.key === "Enter" && !command) {
        event.preventDefault(); // saving is Ctrl+Enter, here and in the fields around
        done = go(fieldIn(rows[at + (event.shiftKey ? -1 : 1)], name)) || true;
      } else if (event.key === "ArrowDown" && !isSelect) done = go(fieldIn(rows[at + 1], name));
      else if (event.key === "ArrowUp" && !isSelect) done = go(fieldIn(rows[at - 1], name));
      else if (event.key === "ArrowLeft" && !command && (whole || field.selectionEnd === 0)) {
        const line = shown(row);
        done = go(line[line.indexOf(field) - 1]);
      } else if (event.key === "ArrowRight" && !command && (whole || field.selectionStart === field.value.length)) {
        const line = shown(row);
        done = go(line[line.indexOf(field) + 1]);
      } else if (command && event.key.toLowerCase() === "d") {
        fillDown(field);
        done = true;
      } else if (command && event.key.toLowerCase() === "z" && undo.length) {
        undo.pop().forEach(([f, value]) => set(f, value));
        say("Taken back");
        done = true;
      }
      if (done) event.preventDefault();
    });
    const fillDown = (field) => {
      const name = cellOf(field).dataset.cell;
      const from = rows.indexOf(field.closest("tr"));
      const done = rows.slice(from + 1).map((row) => set(fieldIn(row, name), field.value)).filter(Boolean);
      if (done.length) undo.push(done);
      say(`${done.length} cells filled`);
    };
    form.querySelector("[data-fill-down]")?.addEventListener("click", () => {
      if (!last) return say("Choose a cell first");
      fillDown(last);
      last.focus();
    });
    grid.addEventListener("paste", (event) => {
      const text = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n").replace(/\n$/, "");
      if (!/[\t\n]/.test(text)) return;
      const field = event.target.closest("td[data-cell] :is(input, select)");
      if (!field) return;
      event.preventDefault();
      const from = rows.indexOf(field.closest("tr"));
      const start = shown(field.closest("tr")).indexOf(field);
      const done = [];
      text.split("\n").forEach((line, y) => {
        const row = rows[from + y];
        if (!row) return;
        const line_fields = shown(row);
        line.split("\t").forEach((value, x) => {
          const change = set(line_fields[start + x], value);
          if (change) done.push(change);
        });
      });
      if (done.length) undo.push(done);
      say(`${done.length} cells pasted`);
    });
  }

  // --- address, search result, description -----------------------------------------------------
  const field = (name) => form.elements[name];
  const slug = (text) =>
    text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  const box = form.querySelector("[data-search-preview]");
  let ownHandle = !("new" in form.dataset) || Boolean(field("handle")?.value);
  form.addEventListener("input", (event) => {
    if (event.target === field("handle")) ownHandle = true;
    if (event.target === field("title") && !ownHandle) field("handle").value = slug(field("title").value);
    if (!box) return;
    const [url, title, text] = box.children;
    url.textContent = box.dataset.base + field("handle").value;
    title.textContent = field("seo_title").value || field("title").value || "…";
    text.textContent = field("seo_description").value || field("subtitle")?.value || "";
  });
  form.querySelector("[data-preview]")?.addEventListener("click", async (event) => {
    event.preventDefault();
    const body = new URLSearchParams({ text: field("description").value, csrf_token: field("csrf_token").value });
    try {
      const answer = await fetch("/admin/catalog/preview-text", { method: "POST", body });
      if (!answer.ok) throw new Error();
      const place = document.getElementById("description-preview");
      place.innerHTML = await answer.text(); // cleaned by the server
      place.hidden = false;
      place.focus();
    } catch {
      say("The preview can't be shown at the moment.");
    }
  });

  // --- SKUs as one types -----------------------------------------------------------------------
  const list = document.querySelector("[data-sku-search]");
  let timer = 0;
  form.addEventListener("input", (event) => {
    if (!list || event.target.getAttribute("list") !== list.id) return;
    clearTimeout(timer);
    const text = event.target.value.trim();
    if (text.length < 2) return;
    timer = setTimeout(async () => {
      try {
        const answer = await fetch(`${list.dataset.skuSearch}?q=${encodeURIComponent(text)}`);
        const found = await answer.json();
        list.replaceChildren(...found.map(({ sku, title }) => new Option(title, sku)));
      } catch {
        /* typing the SKU goes on working */
      }
    }, 150);
  });

  // --- dragging rows of a list -----------------------------------------------------------------
  const sortable = form.querySelector("[data-sortable]");
  if (sortable) {
    let dragged = null;
    sortable.addEventListener("dragstart", (event) => {
      dragged = event.target.closest("[data-row]");
      event.dataTransfer.effectAllowed = "move";
    });
    sortable.addEventListener("dragover", (event) => {
      const over = event.target.closest("[data-row]");
      if (!dragged || !over || over === dragged) return;
      event.preventDefault();
      const { top, height } = over.getBoundingClientRect();
      if (event.clientY < top + height / 2) over.before(dragged);
      else over.after(dragged);
    });
    sortable.addEventListener("drop", (event) => event.preventDefault());
    sortable.addEventListener("dragend", () => {
      dragged = null;
      [...sortable.children].forEach((row, index) => {
        const place = row.querySelector("[data-row-place]");
        if (place) place.value = index + 1;
      });
      sortable.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }
})();
