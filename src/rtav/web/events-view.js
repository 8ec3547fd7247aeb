/** The event log as a person sees it: filtered, expandable, to be copied. Idle while closed. */

import { byId, make } from './dom.js';
import { matches, toJsonLines } from './log.js';

/** An event may carry a picture; nobody reads more than this of one. */
const SHOWN_CHARACTERS = 4000;

export class EventsView {
  #panel = byId('events-panel');
  #list = byId('events');
  #count = byId('events-count');
  #text = byId('events-text');
  #direction = byId('events-direction');
  #state = byId('events-state');
  #log;
  /** Number of the newest entry that was looked at. */
  #seen = 0;
  #waiting = false;

  /** @param {import('./log.js').EventLog} log */
  constructor(log) {
    this.#log = log;
    this.#panel.addEventListener('toggle', () => this.#rebuild());
    this.#text.addEventListener('input', () => this.#rebuild());
    this.#direction.addEventListener('change', () => this.#rebuild());
    byId('events-copy').addEventListener('click', () => this.#copy());
    byId('events-clear').addEventListener('click', () => {
      this.#log.clear();
      this.#rebuild();
    });
  }

  /** Something was logged. Drawn once a frame, however many came. */
  changed() {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#append();
    });
  }

  get #wanted() {
    const filter = { text: this.#text.value, direction: this.#direction.value };
    return this.#log.entries.filter((entry) => matches(entry, filter));
  }

  #rebuild() {
    this.#list.replaceChildren();
    this.#seen = 0;
    this.#state.textContent = '';
    this.#append();
  }

  #append() {
    this.#count.textContent = this.#log.entries.length ? String(this.#log.entries.length) : '';
    if (!this.#panel.open) return;
    const list = this.#list;
    const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const fresh = this.#wanted.filter((entry) => entry.number > this.#seen);
    list.append(...fresh.map(rowOf));
    this.#seen = this.#log.count;
    const oldest = this.#log.entries[0]?.number ?? Infinity;
    while (list.firstChild && Number(list.firstChild.dataset.number) < oldest) list.firstChild.remove();
    if (follows) list.scrollTop = list.scrollHeight;
  }

  async #copy() {
    const wanted = this.#wanted;
    try {
      await navigator.clipboard.writeText(toJsonLines(wanted));
      this.#state.textContent = `${wanted.length} copied`;
    } catch {
      // No clipboard on insecure pages, or refused.
      this.#state.textContent = 'This browser does not let the page copy';
    }
  }
}

function rowOf({ number, at, direction, event }) {
  const json = make('pre');
  const row = make(
    'details',
    {},
    make(
      'summary',
      {},
      make('time', { datetime: at }, at.slice(11, 23)),
      make('span', { class: `arrow ${direction}`, title: TITLES[direction] }, ARROWS[direction]),
      make('span', { class: 'type' }, event.type ?? '?'),
    ),
    json,
  );
  row.addEventListener('toggle', () => {
    if (row.open) json.textContent = JSON.stringify(event, null, 2).slice(0, SHOWN_CHARACTERS);
  });
  return make('li', { 'data-number': String(number) }, row);
}

const ARROWS = { in: '←', out: '→' };
const TITLES = { in: 'From the server', out: 'From this page' };
