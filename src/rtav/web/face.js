/** The page that makes a face of one picture: choose, place points, say who it is, make it, call it. */

import { keepKey, readAddress } from './address.js';
import { Api } from './api.js';
import { byId } from './dom.js';
import { asLandmarks, firstGuess, guessFrom, laidOut, problem } from './face-points.js';
import { PointsView } from './points-view.js';
import { ApiError } from './words.js';

const LONG_PX = 2048; // a face is drawn at 720: more is only carried about
const MAX_BYTES = 60e6; // what a browser should not be asked to decode
const SEEN = { NOT_A_PICTURE: 'This is not a picture that the browser can read. Take a PNG, JPEG or WebP.' };

class FacePage {
  #address = readAddress(window);
  #api = new Api({ key: this.#address.key });
  #view = new PointsView();
  #name = byId('name');
  #consent = byId('consent');
  #make = byId('make');
  #save = byId('save');
  #outcome = byId('outcome');
  #verdict = byId('verdict');
  #background = byId('background');
  /** @type {Blob|null} what is sent: the picture as it is shown */
  #picture = null;
  #isBusy = false;
  /** Whoever is looking for the face; a server takes one upload of a key at a time. */
  #finding = Promise.resolve();
  /** @type {string|null} the face that was made, until another one takes its place */
  #made = null;

  start() {
    const file = byId('file');
    file.addEventListener('change', () => file.files[0] && this.#open(file.files[0]));
    if (file.files[0]) this.#open(file.files[0]); // chosen before this script had come
    const drop = byId('drop');
    drop.addEventListener('dragover', (drag) => {
      drag.preventDefault();
      drop.classList.add('over');
    });
    drop.addEventListener('dragleave', () => drop.classList.remove('over'));
    drop.addEventListener('drop', (drag) => {
      drag.preventDefault();
      drop.classList.remove('over');
      if (drag.dataTransfer.files[0]) this.#open(drag.dataTransfer.files[0]);
    });
    this.#view.addEventListener('change', () => this.#judge());
    for (const field of [this.#name, this.#consent]) field.addEventListener('input', () => this.#judge());
    byId('facts').addEventListener('submit', (press) => {
      press.preventDefault();
      this.#create();
    });
    this.#save.addEventListener('click', () => this.#download());
    this.#background.addEventListener('change', () => {
      byId('colour-part').hidden = this.#background.value !== 'colour';
    });
    byId('key-part').hidden = this.#api.key !== '';
    byId('key').addEventListener('change', ({ target }) => {
      this.#api.key = target.value.trim();
      keepKey(sessionStorage, this.#api.key);
    });
  }

  /** @param {File} file */
  async #open(file) {
    this.#say('');
    const bitmap = file.size <= MAX_BYTES ? await createImageBitmap(file).catch(() => null) : null;
    if (!bitmap) {
      this.#say(file.size > MAX_BYTES ? 'This file is too large for a picture.' : SEEN.NOT_A_PICTURE);
      return;
    }
    const scale = Math.min(1, LONG_PX / Math.max(bitmap.width, bitmap.height));
    const size = { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) };
    const canvas = Object.assign(document.createElement('canvas'), size);
    canvas.getContext('2d').drawImage(bitmap, 0, 0, size.width, size.height);
    // drawn anew, it is turned as it is seen, and nothing is in it but what is seen
    const type = file.type === 'image/jpeg' ? 'image/jpeg' : 'image/png';
    this.#picture = await new Promise((done) => canvas.toBlob(done, type, 0.93));
    const shown = await createImageBitmap(canvas);
    byId('table').hidden = false;
    byId('result').hidden = true;
    this.#made = null;
    if (!this.#name.value) this.#name.value = file.name.replace(/\.[^.]*$/, '').slice(0, 100);
    this.#view.show(shown, firstGuess(size.width, size.height), false);
    this.#view.focus('pupilRight');
    this.#finding = this.#find(shown, this.#picture);
  }

  /** Better points than a guess: the server's detector, else the browser's, else none. */
  async #find(bitmap, picture) {
    const place = (points, isFound) => picture === this.#picture && this.#view.place(points, isFound);
    try {
      const { landmarks } = await this.#api.findFace(picture);
      place({ ...laidOut(landmarks), ...landmarks }, true);
      return;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === 'invalid_face') this.#say(error.message);
    }
    if (!('FaceDetector' in window)) return;
    try {
      const faces = await new window.FaceDetector({ maxDetectedFaces: 2 }).detect(bitmap);
      if (faces.length > 1) this.#say('The picture shows more than one face. Place the points on one of them, or cut it.');
      if (faces.length > 0) place(guessFrom(faces[0], bitmap.width, bitmap.height), false);
    } catch {
      // a browser may have the interface and no detector behind it
    }
  }

  #judge() {
    const wrong = this.#picture ? problem(this.#view.points) : null;
    this.#view.blame(wrong?.name ?? null);
    const isPlaced = this.#picture !== null && wrong === null;
    this.#verdict.dataset.good = `${isPlaced}`;
    this.#verdict.textContent = this.#picture ? (wrong?.text ?? 'The points can be a face.') : '';
    this.#save.disabled = !isPlaced;
    const isNamed = this.#name.value.trim() !== '' && this.#consent.value.trim() !== '';
    this.#make.disabled = !isPlaced || !isNamed || this.#isBusy;
  }

  async #create() {
    if (this.#make.disabled || !this.#picture) return;
    this.#say('');
    this.#busy(true);
    try {
      await this.#finding;
      const face = await this.#api.makeFace(this.#picture, {
        name: this.#name.value.trim(),
        consent: this.#consent.value.trim(),
        background: this.#background.value === 'colour' ? byId('colour').value : this.#background.value,
        landmarks: JSON.stringify(asLandmarks(this.#view.points)),
      });
      if (this.#made) await this.#api.deleteFace(this.#made);
      this.#made = face.id;
      byId('made').src = face.preview_url;
      byId('call').href = `./#face=${encodeURIComponent(face.id)}`;
      byId('result').hidden = false;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) byId('key-part').hidden = false;
      this.#say(error.status === 0 ? 'The server does not answer.' : error.message);
    } finally {
      this.#busy(false);
    }
  }

  #busy(isBusy) {
    this.#isBusy = isBusy;
    this.#make.textContent = isBusy ? 'Making the face …' : 'Make the face';
    this.#judge();
  }

  #download() {
    const content = JSON.stringify({ points: asLandmarks(this.#view.points) }, null, 1);
    const url = URL.createObjectURL(new Blob([content], { type: 'application/json' }));
    const link = Object.assign(document.createElement('a'), { href: url, download: `${this.#name.value.trim() || 'face'}.json` });
    link.click();
    URL.revokeObjectURL(url);
  }

  #say(text) {
    this.#outcome.textContent = text;
  }
}

new FacePage().start();
