/**
 * How long the caller waits: from the last loud moment of their words to the first of the answer.
 *
 * Both are heard by the page on one clock: the microphone as the browser delivers it, the answer as
 * it goes to the loudspeaker. What the devices themselves take is not in the figure.
 */

/**
 * @typedef {object} Block a few milliseconds of sound
 * @property {number} at seconds on the audio clock, at the end of the block
 * @property {number} level root mean square, 0 to 1
 *
 * @typedef {object} Wait
 * @property {'spoken'|'typed'} kind
 * @property {number} ms
 */

/** -44 dBFS: below it lies the hiss of a quiet room, above it a word's last consonant. */
const SPEECH_LEVEL = 0.006;
/** A microphone with more noise than that: speech is at least 12 dB above its floor. */
const SPEECH_OVER_FLOOR = 4;
/** The floor sinks at once, in any pause between words, and doubles in about 4 s of 11 ms blocks. */
const FLOOR_RISE = 1.002;
const FLOOR_MIN = 0.0002;
/** -54 dBFS: between answers the server sends digital silence. */
const REPLY_LEVEL = 0.002;
/** The tail of an interrupted answer is not the next one's beginning. */
const REPLY_PAUSE_S = 0.1;

export class TurnTimer {
  constructor() {
    /** @type {Wait[]} */
    this.waits = [];
    this.floor = FLOOR_MIN;
    /** @type {number|null} */
    this.lastWord = null;
    this.replyLoudAt = -Infinity;
    /** @type {{kind: 'spoken'|'typed', from: number}|null} */
    this.pending = null;
  }

  /** @param {Block} block @returns {boolean} whether somebody seems to speak */
  microphone({ at, level }) {
    this.floor = Math.max(FLOOR_MIN, Math.min(level, this.floor * FLOOR_RISE));
    const loud = level > Math.max(SPEECH_LEVEL, this.floor * SPEECH_OVER_FLOOR);
    if (loud) this.lastWord = at;
    return loud;
  }

  /** @param {Block} block @returns {Wait|null} the wait that has just ended */
  reply({ at, level }) {
    if (level < REPLY_LEVEL) return null;
    const begins = at - this.replyLoudAt > REPLY_PAUSE_S;
    this.replyLoudAt = at;
    if (!begins || !this.pending || at <= this.pending.from) return null;
    const wait = { kind: this.pending.kind, ms: Math.round((at - this.pending.from) * 1000) };
    this.pending = null;
    this.waits.push(wait);
    return wait;
  }

  /** The server heard a turn begin: nothing is owed until it ends. */
  speechStarted() {
    this.pending = null;
  }

  /** The server took the turn as finished; it ended when the microphone last was loud. */
  speechStopped() {
    if (this.lastWord !== null) this.pending = { kind: 'spoken', from: this.lastWord };
  }

  /** @param {number} at seconds on the audio clock */
  typed(at) {
    this.pending = { kind: 'typed', from: at };
  }
}

/** @param {number[]} values @returns {number|null} */
export function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
