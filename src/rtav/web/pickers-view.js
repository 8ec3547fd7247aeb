/** Face, voice and motion, to be chosen before and during a call. */

import { byId, make } from './dom.js';
import { drivingFor } from './motions.js';

/** Dispatches `pick`, a CustomEvent whose detail is the part of a session that changes. */
export class PickersView extends EventTarget {
  #faces = byId('faces');
  #voices = byId('voices');
  #motions = byId('motions');
  #loop = byId('motion-loop');
  #build = byId('motion-build');
  #sequence = byId('sequence');
  #sequenceList = byId('sequence-list');
  #play = byId('sequence-play');
  #clear = byId('sequence-clear');
  /** @type {string[]} */
  #names = [];

  constructor() {
    super();
    this.#faces.addEventListener('change', ({ target }) => this.#pick({ face: target.value }));
    this.#voices.addEventListener('change', () => this.#pick({ voice: this.#voices.value }));
    this.#build.addEventListener('change', () => {
      this.#sequence.hidden = !this.#build.checked;
    });
    this.#play.addEventListener('click', () => this.#drive(this.#names));
    this.#clear.addEventListener('click', () => this.#showSequence([]));
  }

  /** @param {import('./api.js').Asset[]} faces */
  offerFaces(faces) {
    this.#faces.replaceChildren(...faces.map(faceChoice));
    byId('face-picker').hidden = faces.length === 0;
  }

  /** @param {import('./api.js').Asset[]} voices */
  offerVoices(voices) {
    this.#voices.replaceChildren(
      ...voices.map(({ id, name, language }) =>
        make('option', { value: id }, language ? `${name ?? id} (${language})` : (name ?? id)),
      ),
    );
    byId('voice-picker').hidden = voices.length === 0;
  }

  /** @param {import('./api.js').Asset[]} motions */
  offerMotions(motions) {
    this.#motions.replaceChildren(...motions.map((motion) => this.#motionChip(motion)));
    byId('motion-picker').hidden = motions.length === 0;
  }

  /** Show what the session has, which is not always what was asked for.
   * @param {{face?: string, voice?: any}} session */
  show({ face, voice }) {
    const choices = [...this.#faces.querySelectorAll('input')];
    const chosen = choices.find((choice) => choice.value === face) ?? choices[0];
    if (chosen) chosen.checked = true;
    const id = typeof voice === 'object' ? voice?.id : voice;
    if ([...this.#voices.options].some((option) => option.value === id)) this.#voices.value = id;
  }

  #motionChip({ id, name, description = '' }) {
    const chip = make('button', { type: 'button', class: 'chip', title: description }, spaced(name ?? id));
    chip.addEventListener('click', () => {
      if (this.#build.checked) this.#showSequence([...this.#names, id]);
      else this.#drive([id]);
    });
    return chip;
  }

  #showSequence(names) {
    this.#names = names;
    this.#sequenceList.replaceChildren(
      ...names.map((name, index) => {
        const remove = make(
          'button',
          { type: 'button', class: 'chip', 'aria-label': `Remove ${spaced(name)} from the sequence` },
          `${spaced(name)} ✕`,
        );
        remove.addEventListener('click', () => {
          this.#showSequence(names.filter((_, other) => other !== index));
          (this.#sequenceList.children[index]?.firstChild ?? this.#build).focus();
        });
        return make('li', {}, remove);
      }),
    );
    this.#play.disabled = this.#clear.disabled = names.length === 0;
  }

  #drive(names) {
    this.#pick({ driving: drivingFor(names, this.#loop.checked) });
  }

  #pick(detail) {
    this.dispatchEvent(new CustomEvent('pick', { detail }));
  }
}

function faceChoice({ id, name, preview_url }) {
  const input = make('input', { type: 'radio', name: 'face', value: id, class: 'unseen' });
  const picture = make('img', { alt: '', width: '48', height: '48', loading: 'lazy' });
  picture.addEventListener('error', () => picture.remove());
  if (preview_url) picture.src = preview_url;
  return make('label', { class: 'face-choice', title: name ?? id }, input, picture, make('span', {}, name ?? id));
}

/** "AgreeYesTotaly" → "Agree Yes Totaly": names are identifiers, people read words. */
function spaced(name) {
  return name.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/^[a-z]/, (letter) => letter.toUpperCase());
}
