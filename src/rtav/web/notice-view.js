/** Says what went wrong, with the one button that helps, until it is dismissed or mended. */

import { byId } from './dom.js';

const LABELS = { reconnect: 'Reconnect', retry: 'Try again', key: 'Enter a key' };

export class NoticeView {
  #box = byId('notice');
  #remedy = byId('notice-remedy');
  #act = () => {};

  constructor() {
    byId('notice-close').addEventListener('click', () => this.hide());
    this.#remedy.addEventListener('click', () => {
      this.hide();
      this.#act();
    });
  }

  /** @param {import('./words.js').Words} words @param {() => void} act what the remedy does */
  show({ title, text, remedy }, act) {
    byId('notice-title').textContent = title;
    byId('notice-text').textContent = text;
    this.#remedy.hidden = remedy === null;
    this.#remedy.textContent = remedy ? LABELS[remedy] : '';
    this.#act = act;
    this.#box.hidden = false;
  }

  hide() {
    this.#box.hidden = true;
  }
}
