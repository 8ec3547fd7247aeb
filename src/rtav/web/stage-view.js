/** The face, its captions, the buttons under it and the line that says how things stand. */

import { byId } from './dom.js';
import { MatteView } from './matte.js';

/** A caption stays this long after its last word. */
const CAPTION_STAYS_MS = 2500;

export class StageView {
  #frame = byId('frame');
  #video = byId('face');
  #preview = byId('preview');
  #backdrop = byId('backdrop');
  #voice = byId('voice');
  #caption = byId('caption');
  #captions = byId('captions');
  #sound = byId('sound');
  #talk = byId('talk');
  #level = byId('level');
  #captionTimer = 0;
  #cutOut = byId('matte');
  #matte = new MatteView(this.#video, this.#cutOut);

  constructor() {
    // `resize` comes with the first frame; a stream without a picture never has a width.
    for (const type of ['playing', 'resize']) {
      this.#video.addEventListener(type, () => this.#showVideo(this.#video.videoWidth > 0));
    }
    this.#sound.addEventListener('click', () => this.playVoice());
    this.#captions.addEventListener('click', () => {
      const wanted = this.#captions.getAttribute('aria-pressed') !== 'true';
      this.#captions.setAttribute('aria-pressed', String(wanted));
      this.#frame.dataset.captions = wanted ? 'on' : 'off';
    });
    this.#preview.addEventListener('load', () => {
      this.#preview.hidden = false;
      this.refreshBackdrop();
    });
    this.#preview.addEventListener('error', () => {
      this.#preview.hidden = true;
    });
  }

  /** The still picture that is there before, and after, the living one.
   * @param {string|undefined} url */
  showPreview(url) {
    if (!url || this.#preview.getAttribute('src') === url) return;
    this.#preview.src = url;
  }

  /** Let the picture's own edges go on to both sides of it; they may change with the face. */
  refreshBackdrop() {
    const picture = this.#isLive ? this.#video : this.#preview;
    const width = picture.videoWidth ?? picture.naturalWidth;
    const height = picture.videoHeight ?? picture.naturalHeight;
    if (!width) return;
    const pen = this.#backdrop.getContext('2d');
    const { width: w, height: h } = this.#backdrop;
    pen.drawImage(picture, 0, 0, 2, height, 0, 0, w / 2, h);
    pen.drawImage(picture, width - 2, 0, 2, height, w / 2, 0, w / 2, h);
  }

  /** Two elements, as a muted picture may always start and a voice only after a press.
   * @param {MediaStream|null} stream */
  attach(stream) {
    if (this.#video.srcObject === stream) return;
    this.#video.srcObject = stream;
    this.#voice.srcObject = stream;
    this.#showVideo(false);
    if (stream) this.playVoice();
  }

  /** Succeeds at the latest when called from a press. */
  async playVoice() {
    if (!this.#voice.srcObject) return;
    try {
      await this.#voice.play();
      this.#sound.hidden = true;
    } catch (error) {
      // NotAllowedError: nothing was pressed yet. AbortError: another stream took its place.
      if (error.name !== 'NotAllowedError' && error.name !== 'AbortError') throw error;
    }
  }

  /** Ask for a press if there is something to hear that the browser keeps silent.
   * @param {boolean} speaking */
  askForSound(speaking) {
    this.#sound.hidden = !(speaking && this.#voice.srcObject && this.#voice.paused);
  }

  /** @param {string} deviceId */
  async playOn(deviceId) {
    await this.#voice.setSinkId(deviceId);
  }

  /** @param {string} text */
  showCaption(text) {
    clearTimeout(this.#captionTimer);
    if (text) this.#caption.textContent = text;
    else {
      this.#captionTimer = setTimeout(() => {
        this.#caption.textContent = '';
      }, CAPTION_STAYS_MS);
    }
  }

  /** @param {{words: string, mood: string}} status */
  showStatus({ words, mood }) {
    const line = byId('status-words');
    if (line.textContent !== words) line.textContent = words;
    byId('status').dataset.mood = mood;
    this.#frame.dataset.mood = mood;
  }

  /** @param {{microphone: 'off'|'on'|'muted', inCall: boolean, answering: boolean, asking: boolean}} now */
  showButtons({ microphone, inCall, answering, asking }) {
    // Without a call an open microphone is heard by nobody: Talk is what brings it back.
    const shown = inCall ? microphone : 'off';
    byId('talk-words').textContent = asking ? 'Allow the microphone…' : TALK_WORDS[shown];
    this.#talk.dataset.microphone = shown;
    this.#talk.disabled = asking;
    byId('stop').disabled = !answering;
    byId('hang-up').disabled = !inCall;
  }

  /** @param {number} level root mean square, 0 to 1 */
  showLevel(level) {
    // Loudness is heard on a logarithmic scale: -60 dBFS is nothing, -10 dBFS is full.
    const shown = Math.max(0, Math.min(1, (20 * Math.log10(level + 1e-6) + 60) / 50));
    this.#level.style.setProperty('--level', shown.toFixed(2));
  }

  get #isLive() {
    return this.#frame.dataset.live === 'true';
  }

  #showVideo(shown) {
    this.#frame.dataset.live = String(shown);
    const isCutOut = this.#matte.follow();
    this.#cutOut.hidden = !isCutOut;
    this.#frame.dataset.matte = String(isCutOut);
  }
}

const TALK_WORDS = { off: 'Talk', on: 'Mute', muted: 'Unmute' };
