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

  function busy(placed) {
    placing = placed;
    // Disabled in the next task: a disabled button's value would not be sent.
    setTimeout(() => {
      button.disabled = placed;
      button.textContent = placed ? form.dataset.placing : label;
    });
  }

  // An order that costs nothing has no payment step; the fields keep what was typed.
  const free = () => document.getElementById("quote-total").value === "0";

  function step() {
    document.getElementById("payment").hidden = free();
    document.getElementById("nothing-to-pay").hidden = !free();
  }

  // Only the states of the chosen country are offered, and none where addresses have none.
  const { country, state } = form.elements;
  const groups = state ? [...state.querySelectorAll("optgroup")] : [];

  function states() {
    const name = country.selectedOptions[0]?.label;
    for (const group of groups) group.hidden = group.disabled = group.label !== name;
    state.closest(".field").hidden = !groups.some((group) => !group.hidden);
    if (state.selectedOptions[0]?.parentElement.disabled) state.selectedIndex = -1;
  }

  if (groups.length) {
    states();
    country.addEventListener("change", states);
  }

  // Payment providers with a script of their own: prepare(), confirm(action, back), changed().
  const providers = () => window.opticworksPayments ?? {};
  const never = new Promise(() => {});

  function go(address) {
    window.location.assign(address);
    return never;
  }

  function mark(errors) {
    for (const name of Object.keys(errors)) {
      const field = form.elements[name];
      if (!(field instanceof HTMLElement)) continue;
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", notice.id);
    }
    form.querySelector("[aria-invalid=true]")?.focus();
  }

  // Place the order and let the provider's script finish it; answers a sentence if it can't.
  async function order(own) {
    const body = new URLSearchParams(new FormData(form));
    body.set(button.name, button.value); // a disabled button's value is not in a form's data
    let said;
    try {
      const headers = { Accept: "application/json" };
      said = await (await fetch(form.getAttribute("action"), { method: "POST", body, headers })).json();
    } catch {
      return form.dataset.unreached;
    }
    if (said.go) return go(said.go);
    if (said.action) return (await own.confirm(said.action, said.back)) || go(said.back);
    if (said.errors) mark(said.errors);
    if (said.changed) form.elements.country.dispatchEvent(new Event("change", { bubbles: true }));
    return [said.message, ...Object.values(said.errors ?? {})].filter(Boolean).join(" ");
  }

  async function pay(own) {
    busy(true);
    show("");
    const problem = (await own.prepare()) || (await order(own));
    busy(false);
    show(problem);
    // A disabled button and a bank's own frame lose the focus: trying again starts where one was.
    setTimeout(() => document.activeElement === document.body && button.focus());
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

  // Only updates of the total are waited for; a look at the address never holds up a sale.
  const ofTotal = (event) => event.target.id !== "address-check";

  form.addEventListener("htmx:beforeSend", (event) => {
    if (!ofTotal(event)) return;
    running += 1;
    form.setAttribute("data-updating", "");
  });
  for (const name of ["htmx:sendError", "htmx:timeout"])
    form.addEventListener(name, (event) => ofTotal(event) && failed());
  // After the swap, or after an answer that is not swapped in; either comes once per request.
  form.addEventListener("htmx:afterRequest", (event) => {
    if (!ofTotal(event)) return;
    // An update that a newer one replaces is no failure.
    if (!event.detail.successful && event.detail.xhr.status) failed();
    // Out-of-band parts are swapped before this task ends.
    setTimeout(() => {
      step();
      for (const provider of Object.values(providers())) provider.changed?.();
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
    const own = providers()[new FormData(form).get("payment")];
    if (own && !free()) {
      event.preventDefault();
      pay(own);
      return;
    }
    show("");
    busy(true);
  });

  // One of two addresses was chosen: the fields show it, and delivery and taxes follow. Not if one
  // of them was edited since: what was typed stays, and is looked at by itself.
  document.addEventListener("address-chosen", (event) => {
    const fields = Object.entries(event.detail).filter(([name]) => name in form.elements);
    if (fields.some(([name, [held]]) => form.elements[name].value !== held)) return;
    for (const [name, [, wanted]] of fields) form.elements[name].value = wanted;
    form.elements.postalCode.dispatchEvent(new Event("change", { bubbles: true }));
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
    busy(false);
  });

  const errors = document.getElementById("errors") || document.getElementById("refusal");
  if (errors) errors.focus();
})();
