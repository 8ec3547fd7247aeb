/** Which microphone and which loudspeaker. */

import { canChooseSpeaker, listDevices, onDevicesChanged } from './devices.js';
import { byId, make } from './dom.js';

/** Dispatches `microphone` and `speaker`, each a CustomEvent whose detail is a device id. */
export class SoundPanel extends EventTarget {
  #microphones = byId('microphones');
  #speakers = byId('speakers');

  constructor() {
    super();
    byId('speakers-label').hidden = !canChooseSpeaker;
    for (const [select, type] of [[this.#microphones, 'microphone'], [this.#speakers, 'speaker']]) {
      select.addEventListener('change', () =>
        this.dispatchEvent(new CustomEvent(type, { detail: select.value })),
      );
    }
    onDevicesChanged(() => this.refresh());
    this.refresh();
  }

  /** Empty: the system's choice. */
  get microphone() {
    return this.#microphones.value;
  }

  async refresh() {
    const { microphones, speakers } = await listDevices();
    fill(this.#microphones, microphones);
    fill(this.#speakers, speakers);
  }
}

function fill(select, devices) {
  const chosen = select.value;
  const system = make('option', { value: '' }, 'System default');
  select.replaceChildren(system, ...devices.map(({ id, name }) => make('option', { value: id }, name)));
  if (devices.some(({ id }) => id === chosen)) select.value = chosen;
}
