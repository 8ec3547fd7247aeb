/** Listens to the microphone and to the answer on one audio clock. */

/** @typedef {import('./latency.js').Block} Block */

export class Ear {
  /** @type {AudioContext|null} */
  #context = null;
  #ready = null;
  /** Whether `listen` hears anything. */
  isAwake = false;

  /** Must be called in the handler of a press or a key: browsers keep sound off until then. */
  async wake() {
    // Audio worklets exist on secure pages only; without them there is no meter and no figure.
    if (!globalThis.AudioWorkletNode) return;
    this.#context ??= new AudioContext({ latencyHint: 'interactive' });
    this.#ready ??= this.#context.audioWorklet.addModule(new URL('./ear-worklet.js', import.meta.url));
    // Not awaited: without a sound card Firefox never finishes it.
    this.#context.resume();
    try {
      await this.#ready;
      this.isAwake = true;
    } catch (error) {
      console.warn('rtav: no level meter and no waits:', error.message);
    }
  }

  /** Seconds on the audio clock, the one that blocks carry. */
  get now() {
    return this.#context?.currentTime ?? 0;
  }

  /** Report every block of a stream's sound. Call after `wake`.
   * @param {MediaStream} stream @param {(block: Block) => void} heard
   * @returns {() => void} stops it */
  listen(stream, heard) {
    const context = this.#context;
    if (!this.isAwake || !stream.getAudioTracks().length) return () => {};
    const source = context.createMediaStreamSource(stream);
    const meter = new AudioWorkletNode(context, 'ear');
    meter.port.onmessage = ({ data }) => heard(data);
    // Its output is silence; a node that leads nowhere is not run by every browser.
    source.connect(meter).connect(context.destination);
    return () => {
      source.disconnect();
      meter.disconnect();
      meter.port.onmessage = null;
      meter.port.postMessage('stop');
    };
  }
}
