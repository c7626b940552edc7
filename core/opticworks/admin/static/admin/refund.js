// Counts a refund up while its form is filled in. The server counts again, and pays back nothing
// but the amount that was shown.
(() => {
  "use strict";
  const form = document.querySelector("[data-refund]");
  if (!form) return;
  const { currency, exponent, left } = form.dataset;
  const digits = Number(exponent);
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency });
  const money = (minor) => format.format(minor / 10 ** digits);

  // "12.5" as minor units; NaN for what is no plain amount, which the server will explain.
  const minor = (text) => {
    const plain = text.trim();
    if (!plain) return 0;
    const found = /^(\d{1,12})(?:\.(\d*))?$/.exec(plain);
    if (!found || (found[2] || "").length > digits) return NaN;
    return Number(found[1] + (found[2] || "").padEnd(digits, "0"));
  };

  const units = (input) => {
    const count = Number(input.value || 0);
    return Number.isInteger(count) && count >= 0 && count <= Number(input.max) ? count : NaN;
  };

  const show = (name, text) => {
    for (const place of form.querySelectorAll(`[data-sum="${name}"]`)) place.textContent = text;
  };

  const count = () => {
    const lines = new Map();
    for (const item of form.querySelectorAll("[data-line]")) {
      const line = lines.get(item.dataset.line) || { units: 0, steps: item.dataset.steps.split(",") };
      line.units += units(item.querySelector("[data-units]"));
      lines.set(item.dataset.line, line);
    }
    let items = 0;
    for (const line of lines.values()) items += Number(line.steps[line.units]);
    const shipping = minor(form.elements.shipping?.value || "");
    const own = form.elements.amount.value.trim();
    const amount = own ? minor(own) : items + shipping;
    const sound = Number.isFinite(items + shipping + amount);
    show("items", Number.isFinite(items) ? money(items) : "–");
    show("shipping", Number.isFinite(shipping) ? money(shipping) : "–");
    show("amount", sound ? money(amount) : "–");
    show("button", sound ? money(amount) : "");
    form.querySelector("[data-shown]").value = sound ? amount : "";
    form.toggleAttribute("data-too-much", sound && amount > Number(left));
    form.elements.amount.placeholder = sound && !own ? ((items + shipping) / 10 ** digits).toFixed(digits) : "";
  };

  // What goods come to that were cheaper together, or were parts of a bundle, the server says.
  let asked = 0, timer = 0;
  const ask = async () => {
    const turn = ++asked;
    const data = new URLSearchParams(new FormData(form));
    data.set("do", "count");
    try {
      const answer = await fetch(form.action, { method: "POST", body: data });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (turn !== asked || !page.querySelector("[data-shown]")) return;
      form.querySelector("[data-entries]").replaceChildren(...page.querySelector("[data-entries]").children);
      for (const place of form.querySelectorAll("[data-sum]")) {
        place.textContent = page.querySelector(`[data-sum="${place.dataset.sum}"]`)?.textContent || "";
      }
      const shown = page.querySelector("[data-shown]").value;
      form.querySelector("[data-shown]").value = shown;
      form.toggleAttribute("data-too-much", Number(shown) > Number(left));
    } catch {
      form.querySelector("[data-shown]").value = ""; // the server shows the sum once more
    }
  };
  const changed = () => {
    if (!("ask" in form.dataset)) return count();
    form.querySelector("[data-shown]").value = "";
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  };

  form.addEventListener("input", changed);
  form.addEventListener("click", (event) => {
    const all = event.target.closest("[data-all]");
    if (!all) return;
    for (const input of form.querySelectorAll(`[data-units="${all.dataset.all}"]`)) input.value = input.max;
    changed();
  });
  if (!("ask" in form.dataset)) count();
})();
