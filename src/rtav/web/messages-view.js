/** The conversation as a list; it follows the newest message unless the reader has scrolled up. */

import { textOf } from './conversation.js';
import { byId, make } from './dom.js';

/** Closer to the end than this counts as reading the newest. */
const FOLLOW_PX = 80;

export class MessagesView {
  #list = byId('messages');
  #empty = byId('empty');
  #announcer = byId('announcer');
  /** @type {Map<string, {row: HTMLElement, words: HTMLElement, note: HTMLElement, shown: any}>} */
  #rows = new Map();

  /** @param {import('./conversation.js').Message[]} messages */
  show(messages) {
    const list = this.#list;
    const follows = list.scrollHeight - list.scrollTop - list.clientHeight < FOLLOW_PX;
    const wanted = new Set(messages.map((message) => message.id));
    for (const [id, { row }] of this.#rows) {
      if (wanted.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    for (const message of messages) this.#showOne(message);
    this.#empty.hidden = messages.length > 0;
    if (follows) list.scrollTop = list.scrollHeight;
  }

  #showOne(message) {
    let entry = this.#rows.get(message.id);
    if (entry?.shown === message) return;
    if (!entry) {
      entry = newRow(message);
      this.#rows.set(message.id, entry);
      this.#list.append(entry.row);
    }
    const before = entry.shown;
    entry.shown = message;
    entry.words.textContent = textOf(message) || WAITING[message.status] || '';
    entry.words.classList.toggle('waiting', !textOf(message));
    entry.note.textContent = NOTES[message.status] ?? '';
    entry.row.dataset.status = message.status;
    if (before?.status !== message.status && FINISHED.has(message.status)) this.#announce(message);
  }

  /** A screen reader hears whole messages, not each word as it comes. */
  #announce(message) {
    const speaker = message.role === 'user' ? 'You' : 'Avatar';
    const text = [textOf(message), NOTES[message.status]].filter(Boolean).join(', ');
    this.#announcer.append(make('p', {}, `${speaker}: ${text}`));
    while (this.#announcer.children.length > 3) this.#announcer.firstChild.remove();
  }
}

const FINISHED = new Set(['done', 'interrupted', 'failed']);

const WAITING = {
  listening: 'Listening…',
  recognising: 'Writing down…',
  streaming: '…',
  failed: 'Nothing understood',
};

const NOTES = { interrupted: 'interrupted' };

function newRow({ role }) {
  const words = make('p', { class: 'words' });
  const note = make('span', { class: 'note' });
  const speaker = make('span', { class: 'unseen' }, role === 'user' ? 'You: ' : 'Avatar: ');
  const row = make('li', { class: `message ${role}` }, make('div', { class: 'bubble' }, speaker, words, note));
  return { row, words, note, shown: null };
}
