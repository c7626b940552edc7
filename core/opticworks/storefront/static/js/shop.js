// What every page does beyond links and forms: the cart drawer, steppers, copying, the header.
// Nothing here is needed to buy.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const drawer = $("#cart-drawer");
  const drawerBody = $("#cart-drawer-body");
  const status = $("#status");
  let statusTimer;

  /** Say something in the status region for `seconds`, with an action if there is one. */
  function say(text, { action, run, seconds = 6 } = {}) {
    clearTimeout(statusTimer);
    const host = drawer && drawer.open ? drawer : document.body;
    host.append(status);
    const words = document.createElement("span");
    words.textContent = text;
    status.replaceChildren(words);
    if (action) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "status-action";
      button.textContent = action;
      button.addEventListener("click", () => { hush(); run(); });
      status.append(button);
    }
    status.dataset.open = "";
    statusTimer = setTimeout(hush, seconds * 1000);
  }
  function hush() {
    clearTimeout(statusTimer);
    delete status.dataset.open;
    status.replaceChildren();
  }

  // --- cart drawer: a dialog filled by the server -------------------------------------------
  const canDraw = drawer && typeof drawer.showModal === "function" && window.htmx;
  let opener; // what gets the focus back: a button that was disabled meanwhile has lost it
  function openDrawer(from) {
    if (!drawer.open) {
      opener = from;
      drawer.showModal();
    }
    const first = $("[data-drawer-close]", drawer);
    if (first) first.focus();
  }
  if (canDraw) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("[data-cart-open]");
      if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey && !$("#cart")) {
        event.preventDefault();
        htmx.ajax("GET", "/cart/drawer", { target: "#cart-drawer-body", swap: "innerHTML" })
          .then(() => openDrawer(link));
      }
      if (event.target.closest("[data-drawer-close]") || event.target === drawer) drawer.close();
    });
    document.body.addEventListener("htmx:afterSwap", (event) => {
      // An add from a page opens the drawer; changes inside it keep it as it is.
      const from = event.detail.requestConfig && event.detail.requestConfig.elt;
      if (event.detail.target === drawerBody && from.closest("[data-add]")) {
        openDrawer(from.querySelector("button:not([type=button])"));
      }
    });
    drawer.addEventListener("close", () => {
      if (opener && opener.isConnected) opener.focus();
    });
  }

  // --- who goes to the checkout at once must not be faster than the item ---------------------
  // The server waits a moment while this cookie is there.
  const adding = (seconds) => {
    document.cookie = `adding=1; path=/; max-age=${seconds}; samesite=lax`;
  };
  document.addEventListener("htmx:beforeSend", (event) => {
    if (event.detail.requestConfig.path === "/cart/lines") adding(5);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.requestConfig.path === "/cart/lines") adding(0);
  });

  // --- removing a line can be undone for six seconds ----------------------------------------
  document.body.addEventListener("htmx:afterRequest", (event) => {
    // The event's own target is what is left in the page: the form went with its line.
    const form = event.detail.requestConfig.elt.closest("form[data-remove]");
    if (!form || !event.detail.successful) return;
    if (document.activeElement === document.body) $("#main").focus({ preventScroll: true });
    const token = $("[name=csrf_token]", form);
    const values = { sku: form.dataset.remove, quantity: form.dataset.quantity };
    if (token) values.csrf_token = token.value;
    const target = form.getAttribute("hx-target");
    const swap = form.getAttribute("hx-swap");
    say(`${status.dataset.removed}: ${form.dataset.title}`, {
      action: status.dataset.undo,
      run: () => htmx.ajax("POST", "/cart/lines", { target, swap, values }),
    });
  });
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.body.addEventListener(name, () => say(status.dataset.failed, { seconds: 10 }));
  }

  // A page that comes back from the browser's own cache asks for the count again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && window.htmx) htmx.trigger(document.body, "cart-changed");
  });

  // --- steppers -----------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (!button) return;
    const input = $("input", button.closest("[data-stepper]"));
    const before = input.value;
    if (button.dataset.step === "1") input.stepUp(); else input.stepDown();
    if (input.value !== before) input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // --- copying ------------------------------------------------------------------------------
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.dataset.done = "";
      setTimeout(() => delete button.dataset.done, 2000);
      say(status.dataset.copied, { seconds: 2 });
    } catch {
      getSelection().selectAllChildren(source);
    }
  });

  // --- the header gets out of the way when one reads on, and returns when one looks back -----
  const header = $("[data-header]");
  if (header) {
    let last = 0; // asking for scrollY now would force a layout before the first paint
    addEventListener("scroll", () => {
      const down = scrollY > last && scrollY > 120 && !header.contains(document.activeElement);
      if (Math.abs(scrollY - last) > 6) {
        header.toggleAttribute("data-away", down);
        last = scrollY;
      }
    }, { passive: true });
    header.addEventListener("focusin", () => header.removeAttribute("data-away"));
  }
})();
