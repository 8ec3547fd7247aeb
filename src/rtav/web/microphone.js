/** The microphone of this page: opened on Talk, muted in between, listened to for its level. */

import { openMicrophone } from './devices.js';
import { CallError } from './words.js';

/** Dispatches `change`; `block` (a `Block` of its sound); `lost` (an error: it was unplugged). */
export class Microphone extends EventTarget {
  #ear;
  #stopListening = () => {};
  /** @type {MediaStreamTrack|null} what a call sends */
  track = null;

  /** @param {import('./ear.js').Ear} ear */
  constructor(ear) {
    super();
    this.#ear = ear;
  }

  /** @returns {'off'|'on'|'muted'} */
  get state() {
    if (!this.track) return 'off';
    return this.track.enabled ? 'on' : 'muted';
  }

  /** Takes the place of one that is open. @param {string} deviceId empty: the system's choice
   * @throws {CallError|DOMException} and an open one stays open */
  async open(deviceId) {
    const track = await openMicrophone(deviceId);
    this.release();
    this.track = track;
    track.addEventListener('ended', () => {
      this.release();
      this.#emit('lost', new CallError('microphone-gone'));
    });
    await this.#ear.wake();
    this.#stopListening = this.#ear.listen(new MediaStream([track]), (block) =>
      this.#emit('block', track.enabled ? block : { ...block, level: 0 }),
    );
    this.#emit('change');
  }

  toggle() {
    if (this.track) this.track.enabled = !this.track.enabled;
    this.#emit('change');
  }

  release() {
    if (!this.track) return;
    this.#stopListening();
    this.track.stop();
    this.track = null;
    this.#emit('change');
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
