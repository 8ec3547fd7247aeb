/** Asks for the key of a server that wants one. */

import { byId } from './dom.js';

/** Dispatches `key`, a CustomEvent whose detail is what was typed. */
export class KeyDialog extends EventTarget {
  #dialog = byId('key-dialog');
  #field = byId('key');

  constructor() {
    super();
    byId('key-cancel').addEventListener('click', () => this.#dialog.close());
    byId('key-form').addEventListener('submit', (press) => {
      press.preventDefault();
      const key = this.#field.value.trim();
      this.#dialog.close();
      if (key) this.dispatchEvent(new CustomEvent('key', { detail: key }));
    });
    this.#dialog.addEventListener('close', () => {
      this.#field.value = '';
      byId('talk').focus();
    });
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** @param {import('./words.js').Words} words what was wrong with the key
   * @param {boolean} again whether there was one at all */
  ask({ title, text }, again) {
    if (again) {
      byId('key-title').textContent = title;
      byId('key-words').textContent = text;
    }
    if (!this.#dialog.open) this.#dialog.showModal();
  }
}
