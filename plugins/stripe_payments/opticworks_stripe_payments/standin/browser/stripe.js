// Stripe.js on this machine: the part of its surface that a checkout with the Payment Element and
// deferred intents uses. Card fields live in a frame of this script's own origin; what is typed
// there never reaches the page.
(() => {
  'use strict';

  const script = document.currentScript;
  // Stripe's script, its API and the pages it frames have addresses of their own.
  const FRAMES = new URL(script.src).origin;
  const real = FRAMES === 'https://js.stripe.com';
  const API = real ? 'https://api.stripe.com' : FRAMES;
  const HOOKS = real ? 'https://hooks.stripe.com' : FRAMES;
  let frames = 0;

  class IntegrationError extends Error {
    constructor(message) {
      super(message);
      this.name = 'IntegrationError';
    }
  }

  class Emitter {
    #handlers = new Map();

    on(event, handler) {
      this.#handlers.set(event, [...(this.#handlers.get(event) || []), handler]);
      return this;
    }

    once(event, handler) {
      const only = (payload) => {
        this.off(event, only);
        handler(payload);
      };
      return this.on(event, only);
    }

    off(event, handler) {
      const kept = handler ? (this.#handlers.get(event) || []).filter((h) => h !== handler) : [];
      this.#handlers.set(event, kept);
      return this;
    }

    emit(event, payload) {
      for (const handler of this.#handlers.get(event) || []) handler(payload);
    }
  }

  const positive = (value) => Number.isInteger(value) && value > 0;

  function checkMode(options) {
    if (options.mode && options.clientSecret) {
      throw new IntegrationError('Give either mode or clientSecret, not both.');
    }
    if (options.clientSecret) return;
    if (!['payment', 'subscription'].includes(options.mode)) {
      throw new IntegrationError('elements() needs a mode or a clientSecret.');
    }
    if (!positive(options.amount)) {
      throw new IntegrationError(`Invalid value for amount: ${options.amount}.`);
    }
    if (!/^[a-z]{3}$/i.test(options.currency || '')) {
      throw new IntegrationError(`Invalid value for currency: ${options.currency}.`);
    }
  }

  // A frame of our origin and a question-and-answer channel to it.
  class Frame {
    #waiting = new Map();
    #next = 0;

    constructor(path, events, origin = FRAMES) {
      this.origin = origin;
      this.element = document.createElement('iframe');
      this.element.name = `__privateStripeFrame${++frames}`;
      // The page may send no referrer: the frame is told whom to answer.
      this.element.src = `${origin}${path}#${window.location.origin}`;
      this.element.title = 'Secure payment input frame';
      this.element.setAttribute('allow', 'payment *');
      this.ready = new Promise((resolve) => {
        this.receive = (event) => {
          if (event.source !== this.element.contentWindow || event.origin !== origin) return;
          const { reply, kind, payload } = event.data;
          if (reply !== undefined) {
            this.#waiting.get(reply)?.(payload);
            this.#waiting.delete(reply);
          } else if (kind === 'ready') {
            resolve();
            events('ready', payload);
          } else {
            events(kind, payload);
          }
        };
      });
      window.addEventListener('message', this.receive);
    }

    async ask(kind, payload = {}) {
      await this.ready;
      const id = ++this.#next;
      return new Promise((resolve) => {
        this.#waiting.set(id, resolve);
        this.element.contentWindow.postMessage({ ask: id, kind, payload }, this.origin);
      });
    }

    remove() {
      window.removeEventListener('message', this.receive);
      this.element.remove();
    }
  }

  class PaymentElement extends Emitter {
    constructor(group, options) {
      super();
      this.group = group;
      this.options = options;
      this.complete = false;
    }

    mount(target) {
      const node = typeof target === 'string' ? document.querySelector(target) : target;
      if (this.destroyed) throw new IntegrationError('This Element has been destroyed.');
      if (!node) throw new IntegrationError(`The selector you specified (${target}) applies to no DOM elements.`);
      this.emit('loaderstart', { elementType: 'payment' });
      this.frame = new Frame('/frame', (kind, payload) => this.#heard(kind, payload));
      const style = this.frame.element.style;
      Object.assign(style, { width: '100%', height: '228px', border: '0', display: 'block', colorScheme: 'normal' });
      node.replaceChildren(this.frame.element);
      this.frame.ask('appearance', this.group.options.appearance || {});
    }

    #heard(kind, payload) {
      if (kind === 'change') {
        this.complete = payload.complete;
        this.group.submitted = false;
      }
      if (kind === 'height') {
        this.frame.element.style.height = `${payload}px`;
        return;
      }
      this.emit(kind, { elementType: 'payment', ...payload });
    }

    unmount() {
      this.frame?.remove();
      this.frame = undefined;
    }

    destroy() {
      this.unmount();
      this.destroyed = true;
      this.group.element = null;
    }

    update(options) {
      Object.assign(this.options, options);
    }

    focus() {
      this.frame?.ask('focus');
    }

    blur() {
      this.frame?.ask('blur');
    }

    clear() {
      this.frame?.ask('clear');
    }

    collapse() {}
  }

  class Elements extends Emitter {
    constructor(options) {
      super();
      checkMode(options);
      this.options = { ...options };
      this.element = null;
      this.submitted = false;
    }

    create(type, options = {}) {
      if (type !== 'payment') throw new IntegrationError(`A valid Element name must be provided. Got ${type}.`);
      if (this.element) throw new IntegrationError('Can only create one Element of type payment.');
      this.element = new PaymentElement(this, options);
      return this.element;
    }

    getElement(type) {
      return type === 'payment' ? this.element : null;
    }

    async update(options) {
      const changed = { ...this.options, ...options };
      checkMode(changed);
      this.options = changed;
      if (options.appearance) this.element?.frame?.ask('appearance', options.appearance);
      this.emit('update-end');
    }

    async submit() {
      if (!this.element?.frame) throw new IntegrationError('elements.submit() needs a mounted Payment Element.');
      const answer = await this.element.frame.ask('validate');
      if (answer.error) return answer;
      this.submitted = true;
      return answer;
    }

    async fetchUpdates() {
      return {};
    }
  }

  class Stripe {
    static version = 'endive';

    constructor(key) {
      if (typeof key !== 'string' || !key.trim()) throw new IntegrationError('Missing value for Stripe(): apiKey should be a string.');
      if (key.startsWith('sk_')) throw new IntegrationError('You should not use your secret key with Stripe.js.');
      this.key = key;
    }

    _registerWrapper() {}

    elements(options = {}) {
      return new Elements(options);
    }

    // The group's frame and options, checked as Stripe checks them.
    #form({ elements }) {
      const frame = elements?.element?.frame;
      if (!frame) throw new IntegrationError('elements should have a mounted Payment Element.');
      if (elements.options.mode && !elements.submitted) {
        throw new IntegrationError('elements.submit() must be called before stripe.confirmPayment().');
      }
      return frame;
    }

    async confirmPayment(options) {
      const { elements, clientSecret, confirmParams = {}, redirect = 'always' } = options;
      const frame = this.#form(options);
      if (!clientSecret) throw new IntegrationError('Missing clientSecret.');
      if (redirect === 'always' && !confirmParams.return_url) {
        throw new IntegrationError('stripe.confirmPayment() needs confirmParams.return_url.');
      }
      const { mode, amount, currency, captureMethod } = elements.options;
      const answer = await frame.ask('confirm', {
        key: this.key,
        clientSecret,
        expected: mode ? { amount, currency: currency.toLowerCase(), captureMethod } : null,
        returnUrl: confirmParams.return_url,
        billing: confirmParams.payment_method_data?.billing_details,
      });
      if (answer.mistake) throw new IntegrationError(answer.mistake);
      if (answer.error) return { error: answer.error };
      let intent = answer.paymentIntent;
      const away = intent.next_action?.redirect_to_url?.url;
      if (away) {
        window.location.assign(new URL(away, HOOKS));
        return new Promise(() => {});
      }
      if (intent.status === 'requires_action') {
        const next = await this.handleNextAction({ clientSecret });
        if (next.error) return next;
        intent = next.paymentIntent;
      }
      if (redirect === 'if_required') return { paymentIntent: intent };
      const target = new URL(confirmParams.return_url);
      target.searchParams.set('payment_intent', intent.id);
      target.searchParams.set('payment_intent_client_secret', clientSecret);
      target.searchParams.set('redirect_status', intent.status === 'processing' ? 'processing' : 'succeeded');
      window.location.assign(target);
      return new Promise(() => {});
    }

    async createConfirmationToken(options) {
      const frame = this.#form(options);
      return frame.ask('token', { key: this.key, params: options.params || {} });
    }

    async handleNextAction({ clientSecret }) {
      const { paymentIntent, error } = await this.retrievePaymentIntent(clientSecret);
      if (error) return { error };
      if (paymentIntent.status !== 'requires_action') {
        throw new IntegrationError('handleNextAction: the PaymentIntent is not in the requires_action state.');
      }
      const query = new URLSearchParams({ client_secret: clientSecret, key: this.key });
      return new Promise((resolve) => {
        const frame = new Frame(`/3ds/${paymentIntent.id}?${query}`, (kind, payload) => {
          if (kind !== 'done') return;
          frame.remove();
          resolve(payload);
        }, HOOKS);
        Object.assign(frame.element.style, {
          position: 'fixed', inset: '0', width: '100%', height: '100%', border: '0', zIndex: '2147483647',
        });
        document.body.append(frame.element);
      });
    }

    async retrievePaymentIntent(clientSecret) {
      const id = clientSecret.split('_secret_')[0];
      const query = new URLSearchParams({ client_secret: clientSecret, key: this.key });
      try {
        const answer = await fetch(`${API}/v1/payment_intents/${id}?${query}`);
        const body = await answer.json();
        return answer.ok ? { paymentIntent: body } : { error: body.error };
      } catch {
        return { error: { type: 'api_connection_error', message: 'We could not reach Stripe.' } };
      }
    }
  }

  const make = (key, options) => new Stripe(key, options);
  make.version = Stripe.version;
  window.Stripe = make;
})();
