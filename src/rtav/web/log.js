/** The last events of the page's calls, in both directions, bounded. */

/**
 * @typedef {object} Entry
 * @property {number} number counts from 1 and never repeats
 * @property {string} at ISO 8601
 * @property {'in'|'out'} direction in: from the server
 * @property {Record<string, any>} event
 */

export class EventLog {
  /** @param {number} [limit] entries kept */
  constructor(limit = 500) {
    this.limit = limit;
    /** @type {Entry[]} oldest first */
    this.entries = [];
    this.count = 0;
  }

  /** @param {'in'|'out'} direction @param {Record<string, any>} event @param {Date} at @returns {Entry} */
  add(direction, event, at) {
    this.count += 1;
    const entry = { number: this.count, at: at.toISOString(), direction, event };
    this.entries.push(entry);
    if (this.entries.length > this.limit) this.entries.shift();
    return entry;
  }

  clear() {
    this.entries = [];
  }
}

/**
 * Whether an entry is wanted. Every word of `text` must occur in the event's JSON; an empty text
 * wants everything.
 * @param {Entry} entry
 * @param {{text?: string, direction?: 'in'|'out'|'both'}} filter
 */
export function matches(entry, { text = '', direction = 'both' }) {
  if (direction !== 'both' && entry.direction !== direction) return false;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const haystack = JSON.stringify(entry.event).toLowerCase();
  return words.every((word) => haystack.includes(word));
}

/** @param {Entry[]} entries */
export function toJsonLines(entries) {
  return entries
    .map(({ at, direction, event }) => JSON.stringify({ at, direction, event }))
    .join('\n');
}
