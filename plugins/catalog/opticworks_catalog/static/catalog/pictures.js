// The pictures panel: files are dropped and sent with progress, pictures dragged into order. Every
// form of it works without this; here they are sent from the page, which then asks for itself anew.
(() => {
  "use strict";
  const HEADERS = { "X-Requested-With": "pictures" };
  const AT_ONCE = 1; // one after the other, so that they stay in the order they were chosen in
  const LONGEST = 20_000_000;

  function start(panel) {
    const one = (selector) => panel.querySelector(selector);
    const drop = one("[data-drop]");
    const input = drop.querySelector("input[type=file]");
    const sending = one("[data-sending]");
    const say = (sentence) => { one("[data-said]").textContent = sentence; };
    let dragged = null;
    let polls = 0;
    input.required = false; // the button opens the chooser instead

    // --- the panel as the server shows it now ---------------------------------------------------
    async function refresh(focus) {
      const answer = await fetch(panel.dataset.pictures, { headers: HEADERS, credentials: "same-origin" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-pictures]");
      if (!fresh) return location.reload(); // signed out meanwhile
      for (const selector of [".panel-head", "[data-list], .empty-state"]) {
        const [mine, theirs] = [panel.querySelector(selector), fresh.querySelector(selector)];
        if (theirs) mine.replaceWith(theirs);
      }
      panel.querySelectorAll("input[name=back]").forEach((field) => { field.value = drop.elements.back.value; });
      ready();
      if (focus) panel.querySelector(focus)?.focus();
    }
    function ready() {
      panel.querySelectorAll("[data-picture]").forEach((card) => { card.draggable = true; });
      // Files in the making: look again, unless somebody is at work here.
      if (panel.querySelector(".picture-flag[data-tone]") && polls++ < 40) {
        setTimeout(() => {
          if (panel.querySelector("details[open]") || dragged) ready();
          else refresh(document.activeElement?.id ? `#${CSS.escape(document.activeElement.id)}` : "");
        }, 3000);
      }
    }
    async function send(url, data) {
      try {
        const answer = await fetch(url, { method: "POST", body: data, headers: HEADERS, credentials: "same-origin" });
        return await answer.json();
      } catch {
        return { done: "", problems: ["The server did not answer. Try again in a moment."] };
      }
    }

    // --- sending files ----------------------------------------------------------------------------
    function row(file) {
      const item = document.createElement("li");
      const name = document.createElement("span");
      name.textContent = file.name;
      const bar = document.createElement("progress");
      bar.max = 100;
      bar.value = 0;
      bar.setAttribute("aria-label", file.name);
      const word = document.createElement("span");
      word.className = "muted";
      item.append(name, bar, word);
      sending.append(item);
      return {
        progress(part) {
          bar.value = part * 100;
          word.textContent = part < 1 ? `${Math.round(part * 100)} %` : "Checking…";
        },
        done() { item.remove(); },
        failed(sentence) {
          bar.remove();
          name.remove();
          word.className = "field-error";
          word.textContent = sentence;
          const close = document.createElement("button");
          close.type = "button";
          close.className = "btn";
          close.dataset.variant = "ghost";
          close.dataset.size = "sm";
          close.textContent = "Dismiss";
          close.addEventListener("click", () => { item.remove(); input.focus(); });
          item.append(close);
        },
      };
    }
    function upload(file, shown) {
      return new Promise((resolve) => {
        if (file.size > LONGEST) {
          shown.failed(`${file.name}: This file has ${(file.size / 1e6).toFixed(1)} MB; 20 MB are the most. Save it smaller and try again.`);
          return resolve(false);
        }
        const data = new FormData(drop);
        data.delete("files");
        data.append("files", file, file.name);
        const request = new XMLHttpRequest();
        request.open("POST", drop.action);
        request.setRequestHeader("X-Requested-With", "pictures");
        request.upload.addEventListener("progress", (event) => {
          if (event.lengthComputable) shown.progress(event.loaded / event.total);
        });
        request.addEventListener("loadend", () => {
          let answer = null;
          try { answer = JSON.parse(request.responseText); } catch { /* an error page */ }
          if (answer?.done) {
            shown.done();
            return resolve(true);
          }
          shown.failed(answer?.problems?.[0] || `${file.name}: It did not arrive. Try again in a moment.`);
          resolve(false);
        });
        request.send(data);
      });
    }
    async function uploadAll(files) {
      const waiting = [...files].map((file) => [file, row(file)]);
      let added = 0;
      if (!waiting.length) return;
      drop.setAttribute("aria-busy", "true");
      const work = async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) if (await upload(...next)) added += 1;
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      drop.removeAttribute("aria-busy");
      input.value = "";
      if (added) {
        polls = 0;
        await refresh();
        say(added === 1 ? "1 picture is added." : `${added} pictures are added.`);
      }
    }
    input.addEventListener("change", () => uploadAll(input.files));

    // --- dragging -----------------------------------------------------------------------------------
    const hasFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
    panel.addEventListener("dragstart", (event) => {
      const card = event.target.closest?.("[data-picture]");
      if (!card || event.target.closest("details[open]")) return event.preventDefault();
      dragged = card;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", card.dataset.picture);
      requestAnimationFrame(() => card.classList.add("dragged"));
    });
    panel.addEventListener("dragover", (event) => {
      if (hasFiles(event)) {
        event.preventDefault();
        panel.dataset.over = "";
      } else if (dragged) {
        event.preventDefault();
        const card = event.target.closest("[data-picture]");
        if (!card || card === dragged) return;
        const box = card.getBoundingClientRect();
        const list = one("[data-list]");
        const oneColumn = list.clientWidth < box.width * 1.8;
        const after = oneColumn ? event.clientY > box.top + box.height / 2 : event.clientX > box.left + box.width / 2;
        card[after ? "after" : "before"](dragged);
      }
    });
    panel.addEventListener("dragleave", (event) => {
      if (!panel.contains(event.relatedTarget)) delete panel.dataset.over;
    });
    panel.addEventListener("drop", (event) => {
      delete panel.dataset.over;
      if (hasFiles(event)) {
        event.preventDefault();
        uploadAll(event.dataTransfer.files);
      } else if (dragged) event.preventDefault();
    });
    panel.addEventListener("dragend", async () => {
      if (!dragged) return;
      dragged.classList.remove("dragged");
      dragged = null;
      const form = one("[data-order]");
      const data = new FormData(form);
      data.set("ids", [...panel.querySelectorAll("[data-picture]")].map((card) => card.dataset.picture).join(","));
      const answer = await send(form.action, data);
      await refresh();
      say(answer.problems[0] || answer.done);
    });

    // --- the forms ------------------------------------------------------------------------------------
    panel.addEventListener("submit", async (event) => {
      const form = event.target;
      event.preventDefault();
      event.stopPropagation(); // the page's own handling is for forms that leave it
      if (form === drop) return input.files.length ? uploadAll(input.files) : input.click();
      const data = new FormData(form);
      let focus = "";
      if (form.matches("[data-order]")) {
        const button = event.submitter;
        data.set(button.name, button.value);
        focus = `button[value="${button.value}"]:not(:disabled), [data-picture="${button.value.split(":")[0]}"] button:not(:disabled)`;
      } else {
        focus = `[data-picture="${form.closest("[data-picture]").dataset.picture}"] summary`;
      }
      const answer = await send(form.action, data);
      if (!answer.problems.length) await refresh(focus);
      say(answer.problems[0] || answer.done);
      if (answer.problems.length) row({ name: "" }).failed(answer.problems[0]);
    });
    ready();
  }

  document.querySelectorAll("[data-pictures]").forEach(start);
})();
