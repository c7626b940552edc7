// The bank's question: in a frame it answers the page, by itself it goes back to the shop.
(() => {
  'use strict';

  const API = window.location.origin.endsWith('.stripe.com') ? 'https://api.stripe.com' : '';
  const query = new URLSearchParams(window.location.search);
  const id = window.location.pathname.split('/').pop();
  const page = window.location.hash.slice(1);
  const access = { client_secret: query.get('client_secret'), key: query.get('key') };

  async function answer(success) {
    const before = await (await fetch(`${API}/v1/payment_intents/${id}?${new URLSearchParams(access)}`)).json();
    const back = before.next_action?.redirect_to_url?.return_url;
    const response = await fetch(`${API}/v1/payment_intents/${id}/authenticate`, {
      method: 'POST',
      body: new URLSearchParams({ ...access, success: String(success) }),
    });
    const intent = await response.json();
    if (window.parent !== window) {
      const failed = intent.status === 'requires_payment_method';
      const payload = failed ? { error: intent.last_payment_error } : { paymentIntent: intent };
      window.parent.postMessage({ kind: 'done', payload }, page);
    } else if (back) {
      const target = new URL(back);
      target.searchParams.set('payment_intent', id);
      target.searchParams.set('redirect_status', success ? 'succeeded' : 'failed');
      window.location.assign(target);
    }
  }

  document.getElementById('complete').addEventListener('click', () => answer(true));
  document.getElementById('fail').addEventListener('click', () => answer(false));
  if (window.parent !== window) window.parent.postMessage({ kind: 'ready' }, page);
  document.getElementById('complete').focus();
})();
