/** What the avatar is to be like: face, voice, motion and instructions, now and in later calls. */

import { byId } from './dom.js';
import { LookView } from './look-view.js';
import { PickersView } from './pickers-view.js';

/** Dispatches `wish`, a CustomEvent whose detail is the part of a session that changes. */
export class Choices extends EventTarget {
  #api;
  #stage;
  #pickers = new PickersView();
  #look = new LookView();
  #instructions = byId('instructions');
  #state = byId('instructions-state');
  /** @type {import('./api.js').Asset[]} */
  #faces = [];
  #voiceIsPicked = false;

  /**
   * @param {object} parts
   * @param {import('./api.js').Api} parts.api
   * @param {import('./stage-view.js').StageView} parts.stage
   * @param {Record<string, any>} parts.wishes that came with the page's address
   */
  constructor({ api, stage, wishes }) {
    super();
    this.#api = api;
    this.#stage = stage;
    this.session = { type: 'realtime', voice: 'default', face: 'default', driving: 'default', ...wishes };
    this.#voiceIsPicked = Boolean(wishes.voice);
    this.#pickers.addEventListener('pick', ({ detail }) => {
      this.#voiceIsPicked ||= 'voice' in detail;
      this.#wish(this.#withItsVoice(detail));
    });
    this.#look.addEventListener('pick', ({ detail }) => this.#wish(detail));
    byId('instructions-form').addEventListener('submit', (press) => {
      press.preventDefault();
      this.#wish({ instructions: this.#instructions.value });
      this.#state.textContent = 'Applied';
    });
    this.#instructions.addEventListener('input', () => {
      this.#state.textContent = '';
    });
  }

  /** Fetch and show what there is to choose from. */
  async offer() {
    await Promise.all([
      showIfThere(this.#api.faces(), (faces) => {
        // `default` is the first of the others once more; one portrait of each face is enough.
        const others = faces.filter(({ id }) => id !== 'default');
        this.#faces = others.length ? others : faces;
        this.#pickers.offerFaces(this.#faces);
      }),
      showIfThere(this.#api.voices(), (voices) => this.#pickers.offerVoices(voices)),
      showIfThere(this.#api.motions(), (motions) => this.#pickers.offerMotions(motions)),
      showIfThere(this.#api.backgrounds(), (backgrounds) => this.#look.offerBackgrounds(backgrounds)),
    ]);
    this.show(this.session);
  }

  /** Show what a session has, which is not always what was asked for.
   * @param {Record<string, any>} session */
  show(session) {
    this.#pickers.show(session);
    this.#look.show(session);
    this.#showPreview(session.face);
    if (document.activeElement !== this.#instructions && session.instructions !== undefined) {
      this.#instructions.value = session.instructions;
    }
  }

  #wish(part) {
    this.session = { ...this.session, ...part };
    if (part.face) this.#showPreview(part.face);
    this.dispatchEvent(new CustomEvent('wish', { detail: part }));
  }

  /** A face brings the voice that suits it, until the person has picked one. */
  #withItsVoice(part) {
    const voice = this.#faces.find(({ id }) => id === part.face)?.voice;
    return voice && !this.#voiceIsPicked ? { ...part, voice } : part;
  }

  #showPreview(id) {
    const face = this.#faces.find((one) => one.id === id) ?? this.#faces[0];
    this.#stage.showPreview(face?.preview_url);
  }
}

/** The call says what is wrong with a server; without a list there is nothing to pick. */
async function showIfThere(list, show) {
  try {
    show(await list);
  } catch (error) {
    console.warn('rtav: a list is missing:', error.message);
  }
}
