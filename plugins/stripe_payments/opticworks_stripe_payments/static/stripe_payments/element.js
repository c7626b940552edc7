// Stripe's Payment Element in the checkout: shown before any intent exists, told when the total
// changes, never mounted again, so that nothing typed in it is lost.
(() => {
  "use strict";
  const place = document.getElementById("stripe-element");
  if (!place) return;
  const payments = (window.opticworksPayments ??= {});

  if (typeof window.Stripe !== "function") {
    place.textContent = place.dataset.unreachable;
    payments[place.dataset.code] = { prepare: async () => place.dataset.unreachable };
    return;
  }

  const total = () => Number(document.getElementById("quote-total").value);
  // Stripe counts a few currencies in other units than the shop does.
  const factor = Number(place.dataset.amount) / total() || 1;
  const colour = (name) => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
    return `#${[r, g, b].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  };
  const appearance = () => ({
    theme: "stripe",
    variables: {
      colorText: colour("--foreground"),
      colorBackground: colour("--card"),
      colorPrimary: colour("--ring"),
      colorDanger: colour("--destructive"),
      borderRadius: "8px",
    },
  });

  const stripe = window.Stripe(place.dataset.key, { locale: document.documentElement.lang.slice(0, 2) });
  const elements = stripe.elements({
    mode: "payment",
    amount: Math.round(total() * factor),
    currency: place.dataset.currency,
    captureMethod: place.dataset.capture,
    appearance: appearance(),
  });
  const element = elements.create("payment", { layout: "tabs" });
  element.mount(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    elements.update({ appearance: appearance() });
  });

  const sentence = (error) => error?.message || place.dataset.unreachable;

  payments[place.dataset.code] = {
    // Before the order is placed: is everything typed? A sentence if not.
    async prepare() {
      const { error } = await elements.submit();
      return error ? sentence(error) : "";
    },
    // After it: let the buyer's bank decide. A sentence if it said no.
    async confirm(action, back) {
      const { error } = await stripe.confirmPayment({
        elements,
        clientSecret: action.client_secret,
        confirmParams: { return_url: back },
        redirect: "if_required",
      });
      // Paid or called off from another tab: the shop knows how its order stands.
      if (error?.code === "payment_intent_unexpected_state") return "";
      return error ? sentence(error) : "";
    },
    // The total changed: the form stays as it is, and charges the new one.
    async changed() {
      if (total() > 0) await elements.update({ amount: Math.round(total() * factor) });
    },
  };
})();
