// The product page: changes the variant from data that is already in the page, and keeps the
// gallery's counter. Without script the choice is a form and every variant an address.
(() => {
  "use strict";
  const root = document.querySelector("[data-product]");
  const source = document.getElementById("variants");
  if (!root) return;
  const variants = source ? JSON.parse(source.textContent) : null;
  const one = (selector) => root.querySelector(selector);
  const all = (selector) => [...root.querySelectorAll(selector)];
  const options = one("[data-options]");

  // --- gallery ------------------------------------------------------------------------------
  const track = one("[data-track]");
  const slides = new Map(all(".gallery-slide").map((slide) => [Number(slide.dataset.index), slide]));
  const thumbs = new Map(all("[data-show]").map((link) => [Number(link.dataset.show), link]));
  let order = [...slides.keys()].filter((index) => !slides.get(index).hidden);

  function mark(position) {
    one("[data-count]").textContent = `${position + 1} / ${order.length}`;
    thumbs.forEach((link, index) => {
      if (index === order[position]) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  }
  function showPictures(indexes) {
    if (!track) return; // there are none
    order = indexes.filter((index) => slides.has(index));
    slides.forEach((slide) => { slide.hidden = true; });
    thumbs.forEach((link) => { link.parentElement.hidden = true; });
    const list = one("[data-thumbs]");
    order.forEach((index) => {
      slides.get(index).hidden = false;
      track.append(slides.get(index));
      const thumb = thumbs.get(index);
      thumb.parentElement.hidden = order.length === 1;
      list.append(thumb.parentElement);
    });
    track.scrollTo({ left: 0, behavior: "instant" });
    mark(0);
  }
  if (track) {
    let frame = 0;
    track.addEventListener("scroll", () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        mark(Math.min(order.length - 1, Math.round(track.scrollLeft / (track.clientWidth || 1))));
      });
    }, { passive: true });
    thumbs.forEach((link, index) => link.addEventListener("click", (event) => {
      event.preventDefault();
      track.scrollTo({ left: order.indexOf(index) * track.clientWidth });
    }));
  }

  // --- variants -----------------------------------------------------------------------------
  if (!options) return;
  if (!variants) { // too many for one page: the server answers with the one that was chosen
    options.addEventListener("change", () => options.requestSubmit());
    return;
  }
  const chosen = () => Object.fromEntries(new FormData(options));
  const fits = (variant, wanted) =>
    Object.entries(wanted).every(([name, value]) => variant.options[name] === value);

  /** The variant of that choice; if there is none, the closest that has the value just chosen. */
  function find(wanted, changed) {
    const exact = variants.find((variant) => fits(variant, wanted));
    if (exact) return exact;
    const score = (variant) =>
      Object.entries(wanted).filter(([name, value]) => variant.options[name] === value).length;
    return variants
      .filter((variant) => variant.options[changed] === wanted[changed])
      .sort((a, b) => score(b) - score(a))[0];
  }

  function show(variant) {
    all("[data-price]").forEach((node) => { node.textContent = variant.price; });
    const compare = one("[data-compare]");
    compare.textContent = variant.compareAt;
    compare.hidden = !variant.compareAt;
    one("[data-sku]").value = variant.sku;
    one("[data-sku-text]").textContent = variant.sku;
    one("[data-variant-title]").textContent = variant.title;
    one("[data-stock]").dataset.stock = variant.stock.state;
    one("[data-stock-sentence]").textContent = variant.stock.sentence;
    const buyable = variant.stock.max > 0;
    const button = one("[data-buy]");
    button.disabled = !buyable;
    button.textContent = buyable ? button.dataset.textAdd : button.dataset.textOut;
    one("[data-quantity]").hidden = !buyable;
    const quantity = document.getElementById("quantity");
    if (buyable) {
      quantity.max = variant.stock.max;
      if (Number(quantity.value) > variant.stock.max) quantity.value = variant.stock.max;
    }
    options.querySelectorAll("input[type=radio]").forEach((input) => {
      input.checked = variant.options[input.name] === input.value;
      const there = variants.find((other) => fits(other, { ...variant.options, [input.name]: input.value }));
      const label = input.closest("label");
      const available = Boolean(there && there.stock.max > 0);
      label.toggleAttribute("data-soldout", !available);
      label.querySelector("[data-soldout-text]").hidden = available;
    });
    options.querySelectorAll("fieldset").forEach((fieldset) => {
      const input = fieldset.querySelector("input:checked");
      fieldset.querySelector("[data-chosen]").textContent = input ? input.value : "";
    });
    all("[data-part]").forEach((part) => { // what is in a bundle's box
      const quantity = (variant.parts || {})[part.dataset.part];
      part.hidden = !quantity;
      part.querySelector("[data-part-quantity]").textContent = quantity || "";
    });
    const pictures = variant.images.length ? [...variant.images] : [variant.image];
    if (pictures.join() !== order.join()) showPictures(pictures);
    history.replaceState(null, "", variant.url);
  }

  options.addEventListener("change", (event) => {
    const variant = find(chosen(), event.target.name);
    if (variant) show(variant);
  });
})();
