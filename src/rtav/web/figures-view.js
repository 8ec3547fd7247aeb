/** The numbers of the call, refreshed once a second. */

import { byId, make } from './dom.js';
import { median } from './latency.js';

/** A page shows the latest turns; the median is over all of them. */
const WAITS_SHOWN = 12;

export class FiguresView {
  #list = byId('figures');
  #waits = byId('waits');
  #brief = byId('brief');
  /** @type {import('./stats.js').Figures|null} */
  #figures = null;
  #median = null;

  /** @param {import('./stats.js').Figures|null} figures null: no call */
  showFigures(figures) {
    this.#figures = figures;
    const rows = ROWS.map(([name, key, unit]) => {
      const value = figures?.[key] ?? null;
      return make('div', {}, make('dt', {}, name), make('dd', {}, value === null ? '–' : `${value}${unit}`));
    });
    this.#list.replaceChildren(...rows);
    this.#showBrief();
  }

  /** @param {import('./latency.js').Wait[]} waits */
  showWaits(waits) {
    const spoken = waits.filter(({ kind }) => kind === 'spoken').map(({ ms }) => ms);
    this.#median = median(spoken.length ? spoken : waits.map(({ ms }) => ms));
    this.#waits.replaceChildren(
      make('strong', {}, `${Math.round(this.#median ?? 0)} ms`),
      ` median of ${spoken.length || waits.length} ${spoken.length ? 'spoken' : 'typed'} · `,
      waits
        .slice(-WAITS_SHOWN)
        .map(({ kind, ms }) => (kind === 'typed' ? `${ms} (typed)` : String(ms)))
        .join(', '),
    );
    this.#showBrief();
  }

  #showBrief() {
    const { videoFps, roundTripMs } = this.#figures ?? {};
    const parts = [
      videoFps == null ? null : `${videoFps} fps`,
      roundTripMs == null ? null : `${roundTripMs} ms round trip`,
      this.#figures && this.#median !== null ? `answers in ${Math.round(this.#median)} ms` : null,
    ];
    this.#brief.textContent = parts.filter(Boolean).join(' · ');
  }
}

/** @type {[string, keyof import('./stats.js').Figures, string][]} */
const ROWS = [
  ['Round trip', 'roundTripMs', ' ms'],
  ['Video', 'videoFps', ' fps'],
  ['Picture', 'picture', ''],
  ['Audio jitter', 'audioJitterMs', ' ms'],
  ['Packets lost', 'lostPercent', ' %'],
  ['Received', 'kbitPerSecond', ' kbit/s'],
  ['Audio buffer', 'audioBufferMs', ' ms'],
  ['Lips after voice', 'lipSkewMs', ' ms'],
];
