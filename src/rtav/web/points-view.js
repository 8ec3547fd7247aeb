/** A picture with points on it that can be dragged, or moved with the keyboard, and a magnifier. */

import { byId, make } from './dom.js';
import { GUIDES, LABELS, NAMES, moved } from './face-points.js';

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FAR = 10; // with Shift
const ZOOM = 4;

/** Dispatches `change` whenever a point is somewhere else. */
export class PointsView extends EventTarget {
  #board = byId('board');
  #canvas = byId('picture');
  #magnifier = byId('magnifier');
  #words = byId('point-words');
  #all = byId('all-points');
  /** @type {Record<string, HTMLButtonElement>} */
  #handles = {};
  #placed = new Set();
  /** @type {string|null} the point that has the focus */
  #inHand = null;
  /** @type {import('./face-points.js').Points} */
  points = {};

  constructor() {
    super();
    for (const name of NAMES) {
      const kind = GUIDES.includes(name) ? 'point guide' : 'point';
      const handle = make('button', { type: 'button', class: kind, 'data-point': name, 'aria-roledescription': 'point, moved with the arrow keys' });
      handle.addEventListener('keydown', (press) => this.#pressed(name, press));
      handle.addEventListener('pointerdown', (press) => this.#grabbed(name, press));
      handle.addEventListener('focus', () => this.#look(name));
      handle.addEventListener('blur', () => this.#look(null));
      this.#handles[name] = handle;
      this.#board.append(handle);
    }
    this.#all.addEventListener('click', () => this.#showAll(true));
  }

  /** @param {ImageBitmap} picture @param {import('./face-points.js').Points} points
   * @param {boolean} isFound whether somebody who knows has placed them */
  show(picture, points, isFound) {
    this.#canvas.width = picture.width;
    this.#canvas.height = picture.height;
    this.#canvas.getContext('2d').drawImage(picture, 0, 0);
    this.#board.style.aspectRatio = `${picture.width} / ${picture.height}`;
    this.#board.style.setProperty('--shape', `${picture.width / picture.height}`);
    this.place(points, isFound);
  }

  /** @param {import('./face-points.js').Points} points @param {boolean} isFound */
  place(points, isFound) {
    this.#placed = new Set(isFound ? NAMES : []);
    this.#showAll(isFound);
    this.#set(points);
  }

  /** The guides alone at first: the others would lie in their way. */
  #showAll(isAll) {
    this.#board.dataset.shows = isAll ? 'all' : 'guides';
    this.#all.hidden = isAll;
  }

  /** Show which point is wrong. @param {string|null} name */
  blame(name) {
    for (const [other, handle] of Object.entries(this.#handles)) handle.classList.toggle('wrong', other === name);
  }

  /** @param {string} name */
  focus(name) {
    this.#handles[name].focus();
  }

  #pressed(name, press) {
    const step = STEPS[press.key];
    if (!step) return;
    press.preventDefault();
    const far = press.shiftKey ? FAR : 1;
    const [x, y] = this.points[name];
    this.#move(name, [x + step[0] * far, y + step[1] * far]);
  }

  #grabbed(name, press) {
    if (press.button !== 0) return;
    press.preventDefault();
    const handle = this.#handles[name];
    handle.focus();
    handle.setPointerCapture(press.pointerId);
    const start = this.#pixel(press);
    const [x, y] = this.points[name];
    const drag = (move) => {
      const at = this.#pixel(move);
      this.#move(name, [x + at[0] - start[0], y + at[1] - start[1]]);
    };
    const end = () => {
      if (GUIDES.every((guide) => this.#placed.has(guide))) this.#showAll(true);
      handle.removeEventListener('pointermove', drag);
      handle.removeEventListener('pointerup', end);
      handle.removeEventListener('pointercancel', end);
    };
    handle.addEventListener('pointermove', drag);
    handle.addEventListener('pointerup', end);
    handle.addEventListener('pointercancel', end);
  }

  #move(name, to) {
    this.#placed.add(name);
    this.#set(moved(this.points, name, to, this.#placed, this.#canvas));
  }

  #set(points) {
    this.points = points;
    for (const [name, handle] of Object.entries(this.#handles)) {
      const [x, y] = points[name];
      handle.style.left = `${(100 * x) / this.#canvas.width}%`;
      handle.style.top = `${(100 * y) / this.#canvas.height}%`;
      handle.setAttribute('aria-label', `${LABELS[name]}, ${Math.round(x)} across, ${Math.round(y)} down`);
    }
    if (this.#inHand) this.#look(this.#inHand);
    this.dispatchEvent(new Event('change'));
  }

  #pixel({ clientX, clientY }) {
    const box = this.#canvas.getBoundingClientRect();
    return [((clientX - box.left) / box.width) * this.#canvas.width, ((clientY - box.top) / box.height) * this.#canvas.height];
  }

  /** Enlarge what is around a point, and say what it is; null: nothing. */
  #look(name) {
    this.#inHand = name;
    this.#magnifier.hidden = !name;
    this.#words.textContent = name ? LABELS[name] : '';
    if (!name) return;
    const [x, y] = this.points[name];
    const { width } = this.#magnifier;
    const brush = this.#magnifier.getContext('2d');
    const part = Math.max(24, (this.#canvas.width / (this.#canvas.clientWidth || 1)) * (width / ZOOM));
    brush.imageSmoothingEnabled = part > width;
    brush.clearRect(0, 0, width, width);
    brush.drawImage(this.#canvas, x - part / 2, y - part / 2, part, part, 0, 0, width, width);
    for (const [colour, line] of [['#000', 3], ['#fff', 1]]) {
      brush.strokeStyle = colour;
      brush.lineWidth = line;
      brush.beginPath();
      for (const [a, b] of [[-14, -4], [4, 14]]) {
        brush.moveTo(width / 2 + a, width / 2);
        brush.lineTo(width / 2 + b, width / 2);
        brush.moveTo(width / 2, width / 2 + a);
        brush.lineTo(width / 2, width / 2 + b);
      }
      brush.stroke();
    }
    // away from the point, or it would hide what is around it
    this.#magnifier.classList.toggle('right', x < this.#canvas.width / 2);
  }
}
