// The card fields. They speak to the page through messages that never hold a card number, and to
// the API themselves.
(() => {
  'use strict';

  // Stripe's script and its API have addresses of their own; the stand-in has one for both.
  const API = window.location.origin === 'https://js.stripe.com' ? 'https://api.stripe.com' : '';
  const form = document.getElementById('card');
  const problem = document.getElementById('problem');
  const fields = { number: form.number, expiry: form.expiry, cvc: form.cvc };
  const page = window.location.hash.slice(1);
  const tell = (kind, payload) => window.parent.postMessage({ kind, payload }, page);
  const elsewhere = document.getElementById('elsewhere');
  const wallet = document.getElementById('wallet');
  let way = 'card';
  const digits = (text) => text.replace(/\D/g, '');

  const luhn = (number) =>
    [...number].reverse().reduce((sum, digit, place) => {
      const value = Number(digit) * (place % 2 ? 2 : 1);
      return sum + (value > 9 ? value - 9 : value);
    }, 0) % 10 === 0;

  function expiry() {
    const text = digits(fields.expiry.value);
    return text.length === 4 ? { month: Number(text.slice(0, 2)), year: 2000 + Number(text.slice(2)) } : null;
  }

  // The first thing that is wrong, as Stripe words it; null when all is well.
  function wrong() {
    const number = digits(fields.number.value);
    if (number.length < 13) return ['number', 'incomplete_number', 'Your card number is incomplete.'];
    if (!luhn(number)) return ['number', 'invalid_number', 'Your card number is invalid.'];
    const until = expiry();
    if (!until) return ['expiry', 'incomplete_expiry', "Your card's expiration date is incomplete."];
    const now = new Date();
    const past = until.year < now.getFullYear() || (until.year === now.getFullYear() && until.month <= now.getMonth());
    if (until.month < 1 || until.month > 12 || past) return ['expiry', 'invalid_expiry_year_past', "Your card's expiration date is in the past."];
    if (digits(fields.cvc.value).length < 3) return ['cvc', 'incomplete_cvc', "Your card's security code is incomplete."];
    return null;
  }

  function show(found) {
    for (const [name, input] of Object.entries(fields)) input.setAttribute('aria-invalid', String(found?.[0] === name));
    problem.textContent = found ? found[2] : '';
    tell('height', document.documentElement.scrollHeight);
  }

  function form_of(values, prefix = '') {
    const flat = [];
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined || value === null) continue;
      const key = prefix ? `${prefix}[${name}]` : name;
      if (typeof value === 'object') flat.push(...form_of(value, key));
      else flat.push([key, String(value)]);
    }
    return flat;
  }

  async function call(method, path, values) {
    const body = new URLSearchParams(form_of(values));
    try {
      const url = API + (method === 'GET' ? `${path}?${body}` : path);
      const answer = await fetch(url, { method, body: method === 'GET' ? undefined : body });
      const said = await answer.json();
      return answer.ok ? { value: said } : { error: said.error };
    } catch {
      return { error: { type: 'api_connection_error', message: 'We are experiencing issues connecting to our payments provider. Please try again.' } };
    }
  }

  const method_data = (billing) => {
    if (way === 'wallet') return { type: 'card', card: { token: 'tok_googlepay' }, billing_details: billing };
    if (way !== 'card') return { type: way, billing_details: billing };
    const until = expiry();
    return {
      type: 'card',
      card: { number: digits(fields.number.value), exp_month: until.month, exp_year: until.year, cvc: digits(fields.cvc.value) },
      billing_details: billing,
    };
  };

  const answers = {
    appearance(appearance) {
      const variables = appearance.variables || {};
      const names = { colorText: '--text', colorBackground: '--back', colorDanger: '--bad', colorPrimary: '--focus' };
      for (const [name, variable] of Object.entries(names)) {
        if (/^#[0-9a-f]{3,8}$/i.test(variables[name] || '')) document.documentElement.style.setProperty(variable, variables[name]);
      }
      return {};
    },
    validate() {
      const found = way === 'card' ? wrong() : null;
      show(found);
      if (!found) return { selectedPaymentMethod: way };
      fields[found[0]].focus();
      return { error: { type: 'validation_error', code: found[1], message: found[2] } };
    },
    async confirm({ key, clientSecret, expected, billing, returnUrl }) {
      const path = `/v1/payment_intents/${clientSecret.split('_secret_')[0]}`;
      const access = { key, client_secret: clientSecret };
      const before = await call('GET', path, access);
      if (before.error) return before;
      if (expected) {
        const intent = before.value;
        const same = intent.amount === expected.amount && intent.currency === expected.currency
          && (!expected.captureMethod || expected.captureMethod === intent.capture_method);
        if (!same) return { mistake: 'The PaymentIntent does not match the amount, currency or capture method of the Elements.' };
      }
      const done = await call('POST', `${path}/confirm`, {
        ...access, use_stripe_sdk: true, payment_method_data: method_data(billing), return_url: returnUrl,
      });
      if (done.error) {
        show(['number', done.error.code, done.error.message]);
        return { error: done.error };
      }
      return { paymentIntent: done.value };
    },
    async token({ key, params }) {
      const done = await call('POST', '/v1/confirmation_tokens', {
        key, return_url: params.return_url, payment_method_data: method_data(params.payment_method_data?.billing_details),
      });
      return done.error ? { error: done.error } : { confirmationToken: done.value };
    },
    focus() {
      fields.number.focus();
      return {};
    },
    blur() {
      document.activeElement?.blur();
      return {};
    },
    clear() {
      form.reset();
      show(null);
      return {};
    },
  };

  window.addEventListener('message', async (event) => {
    if (event.source !== window.parent || event.origin !== page) return;
    const { ask, kind, payload } = event.data;
    const answer = await answers[kind]?.(payload);
    window.parent.postMessage({ reply: ask, payload: answer ?? {} }, event.origin);
  });

  for (const tab of document.querySelectorAll('#ways button')) {
    tab.addEventListener('click', () => {
      way = tab.dataset.way;
      for (const other of document.querySelectorAll('#ways button')) other.setAttribute('aria-selected', String(other === tab));
      form.hidden = way !== 'card';
      elsewhere.hidden = way !== 'klarna';
      wallet.hidden = way !== 'wallet';
      tell('height', document.documentElement.scrollHeight);
      tell('change', { empty: false, complete: way !== 'card' || !wrong(), collapsed: false, value: { type: way } });
    });
  }
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('focusin', () => tell('focus', {}));
  form.addEventListener('focusout', () => tell('blur', {}));
  form.addEventListener('keydown', (event) => event.key === 'Escape' && tell('escape', {}));
  form.addEventListener('input', (event) => {
    if (event.target === fields.number) {
      fields.number.value = digits(fields.number.value).slice(0, 19).replace(/(.{4})(?=.)/g, '$1 ');
    }
    if (event.target === fields.expiry) {
      const text = digits(fields.expiry.value).slice(0, 4);
      fields.expiry.value = text.length > 2 ? `${text.slice(0, 2)} / ${text.slice(2)}` : text;
    }
    show(null);
    const empty = Object.values(fields).every((input) => !input.value);
    tell('change', { empty, complete: !wrong(), collapsed: false, value: { type: 'card' } });
  });

  tell('ready', {});
  tell('height', document.documentElement.scrollHeight);
})();
