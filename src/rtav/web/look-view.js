/** How the face is shown: framing, background, size and rate, to be chosen at any time. */

import { byId, make } from './dom.js';

const COLOUR = 'colour';

/** Dispatches `pick`, a CustomEvent whose detail is the part of a session that changes. */
export class LookView extends EventTarget {
  #framing = byId('framing');
  #background = byId('background');
  #colour = byId('colour');
  #size = byId('size');
  #rate = byId('rate');

  constructor() {
    super();
    this.#framing.addEventListener('change', () => this.#pick({ framing: this.#framing.value }));
    this.#size.addEventListener('change', () => this.#pick({ upsample_factor: Number(this.#size.value) }));
    this.#rate.addEventListener('change', () => this.#pick({ target_fps: Number(this.#rate.value) }));
    this.#colour.addEventListener('change', () => this.#pick({ background: this.#colour.value }));
    this.#background.addEventListener('change', () => {
      const isColour = this.#background.value === COLOUR;
      this.#colour.hidden = !isColour;
      this.#pick({ background: isColour ? this.#colour.value : this.#background.value });
    });
  }

  /** What was uploaded joins what there always is.
   * @param {import('./api.js').Asset[]} backgrounds */
  offerBackgrounds(backgrounds) {
    this.#background.append(...backgrounds.map(({ id, name }) => make('option', { value: id }, name ?? id)));
  }

  /** Show what the session has, which is not always what was asked for.
   * @param {Record<string, any>} session */
  show({ framing, background, upsample_factor: factor, target_fps: fps }) {
    const isColour = background?.startsWith('#');
    if (isColour) this.#colour.value = background;
    this.#colour.hidden = !isColour;
    showIn(this.#background, isColour ? COLOUR : background, background);
    showIn(this.#framing, framing, framing);
    showIn(this.#size, factor, `${factor} ×`);
    showIn(this.#rate, fps, `${fps} a second`);
  }

  #pick(detail) {
    this.dispatchEvent(new CustomEvent('pick', { detail }));
  }
}

/** A server may have settled for something that nobody offered: then that is an option too. */
function showIn(select, value, words) {
  if (value === undefined || value === null) return;
  const text = typeof value === 'number' ? String(Math.round(value * 1000) / 1000) : value;
  if (![...select.options].some((option) => option.value === text)) {
    select.append(make('option', { value: text }, words));
  }
  select.value = text;
}
