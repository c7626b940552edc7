// Keeps "Place Order" honest: it waits for a running update of the total, does not go on when the
// total changed meanwhile, and sends once however often it is clicked.
(() => {
  "use strict";
  const form = document.getElementById("checkout");
  if (!form) return;
  const button = document.getElementById("place-order");
  const notice = document.getElementById("checkout-status");
  const label = button.textContent;
  const total = () => document.getElementById("place-total").textContent.trim();
  let running = 0;
  let placing = false;
  let waiting = null; // the total that was shown when the click came

  function show(text) {
    notice.textContent = text;
    notice.hidden = !text;
  }

  function settled() {
    running = Math.max(0, running - 1);
    if (running || waiting === null) return;
    const before = waiting;
    waiting = null;
    button.removeAttribute("aria-busy");
    if (total() === before) form.requestSubmit(button);
    else show(form.dataset.changed.replace("{total}", total()));
  }

  function failed() {
    if (waiting === null) return;
    waiting = null;
    button.removeAttribute("aria-busy");
    show(form.dataset.failed);
  }

  form.addEventListener("htmx:beforeSend", () => {
    running += 1;
    form.setAttribute("data-updating", "");
  });
  form.addEventListener("htmx:sendError", failed);
  form.addEventListener("htmx:timeout", failed);
  // After the swap, or after an answer that is not swapped in; either comes once per request.
  form.addEventListener("htmx:afterRequest", (event) => {
    // An update that a newer one replaces is no failure.
    if (!event.detail.successful && event.detail.xhr.status) failed();
    // Out-of-band parts are swapped before this task ends.
    setTimeout(() => {
      settled();
      if (!running) form.removeAttribute("data-updating");
    });
  });

  form.addEventListener("submit", (event) => {
    if (!event.submitter || event.submitter.value !== "place") return;
    if (placing) {
      event.preventDefault();
      return;
    }
    if (running) {
      event.preventDefault();
      waiting ??= total();
      button.setAttribute("aria-busy", "true");
      show(form.dataset.waiting);
      return;
    }
    placing = true;
    show("");
    // Disabled in the next task: a disabled button's value would not be sent.
    setTimeout(() => {
      button.disabled = true;
      button.textContent = form.dataset.placing;
    });
  });

  // Enter in the code's field applies the code; anywhere else it is the form's own business.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.id !== "code") return;
    event.preventDefault();
    document.getElementById("apply-code").click();
  });

  // A field that is being corrected is no longer wrong; the server looks at it again.
  form.addEventListener("input", (event) => {
    const field = event.target;
    if (field.getAttribute("aria-invalid") !== "true") return;
    document.getElementById(field.getAttribute("aria-describedby")).hidden = true;
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  });

  // Coming back with the browser's back button shows a page that can be sent again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    placing = false;
    button.disabled = false;
    button.textContent = label;
  });

  const errors = document.getElementById("errors") || document.getElementById("refusal");
  if (errors) errors.focus();
})();
