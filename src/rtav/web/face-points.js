/** Where a face is in a picture: the points, a first guess of them, and what can be wrong with them.
 *
 * Left and Right are the subject's own: its left eye is on the right of the picture.
 *
 * @typedef {[number, number]} Point in pixels of the picture
 * @typedef {Record<string, Point>} Points
 */

const EYE = { Inner: 'corner at the nose', Outer: 'outer corner', Top: 'edge of the upper lid', Bottom: 'edge of the lower lid' };

/** What a person reads, in the order in which one goes through them. */
export const LABELS = {
  pupilLeft: 'Left pupil',
  pupilRight: 'Right pupil',
  mouthCentre: 'Between the lips, in the middle',
  chin: 'Tip of the chin',
  ...eye('Left'),
  ...eye('Right'),
  mouthLeft: 'Left corner of the mouth',
  mouthRight: 'Right corner of the mouth',
  noseTip: 'Tip of the nose',
  headTop: 'Top of the hair',
};

/** Every name, in that order. @type {string[]} */
export const NAMES = Object.keys(LABELS);

/** Those that carry the others with them, until these were moved themselves. */
export const GUIDES = ['pupilLeft', 'pupilRight', 'mouthCentre'];

/** Of a face from the front: in distances of the eyes, from the middle between them. */
const LAYOUT = {
  ...layoutOfEye('Left', 0.5),
  ...layoutOfEye('Right', -0.5),
  noseTip: [0, 0.58],
  mouthCentre: [0, 0.98],
  mouthLeft: [0.38, 0.96],
  mouthRight: [-0.38, 0.96],
  chin: [0, 1.66],
  headTop: [0, -1.5],
};

/** Within these a server takes points; see the messages. */
const MIN_EYES_PX = 48;
const MAX_TILT = 25;

/** A face in the middle of a picture, as portraits have them.
 * @param {number} width @param {number} height @returns {Points} */
export function firstGuess(width, height) {
  const apart = Math.min(width * 0.19, height * 0.17);
  const [x, y] = [width / 2, height * 0.42];
  return inside(laidOut({ pupilLeft: [x + apart / 2, y], pupilRight: [x - apart / 2, y] }), width, height);
}

/** What a browser's face detector says, as far as it goes.
 * @param {{boundingBox: DOMRectReadOnly, landmarks?: {type: string, locations: {x: number, y: number}[]}[]}} face
 * @param {number} width @param {number} height @returns {Points} */
export function guessFrom({ boundingBox: box, landmarks = [] }, width, height) {
  const middleOf = ({ locations }) => [mean(locations.map((at) => at.x)), mean(locations.map((at) => at.y))];
  const eyes = landmarks.filter(({ type }) => type === 'eye').map(middleOf).sort((a, b) => a[0] - b[0]);
  const mouth = landmarks.filter(({ type }) => type === 'mouth').map(middleOf)[0];
  const [right, left] = eyes.length === 2 ? eyes : [0.3, 0.7].map((share) => [box.x + share * box.width, box.y + 0.38 * box.height]);
  const guides = { pupilLeft: left, pupilRight: right, ...(mouth ? { mouthCentre: mouth } : {}) };
  return inside(laidOut(guides), width, height);
}

/** All points of a face whose guides are these; without the mouth's where it usually is.
 * @param {Points} guides @returns {Points} */
export function laidOut({ pupilLeft, pupilRight, mouthCentre }) {
  const middle = between(pupilLeft, pupilRight);
  const across = [pupilLeft[0] - pupilRight[0], pupilLeft[1] - pupilRight[1]];
  const down = [-across[1], across[0]];
  const place = ([x, y], sideways = 0) => [
    middle[0] + (x + sideways) * across[0] + y * down[0],
    middle[1] + (x + sideways) * across[1] + y * down[1],
  ];
  let [stretch, lean] = [1, 0];
  if (mouthCentre) {
    const size = Math.hypot(...across) ** 2 || 1;
    const way = [mouthCentre[0] - middle[0], mouthCentre[1] - middle[1]];
    stretch = clamp((way[0] * down[0] + way[1] * down[1]) / size / LAYOUT.mouthCentre[1], 0.4, 2.2);
    lean = clamp((way[0] * across[0] + way[1] * across[1]) / size, -0.4, 0.4) / LAYOUT.mouthCentre[1];
  }
  /** @type {Points} */
  const points = {};
  for (const name of NAMES) {
    const [x, y] = LAYOUT[name];
    const isLow = y > 0.3;
    points[name] = place([x, isLow ? y * stretch : y], isLow ? lean * y : 0);
  }
  return { ...points, pupilLeft, pupilRight, ...(mouthCentre ? { mouthCentre } : {}) };
}

/** The points after one was moved: a guide takes along what was never moved itself.
 * @param {Points} points @param {string} name @param {Point} to
 * @param {ReadonlySet<string>} placed names that were moved, `name` among them
 * @param {{width: number, height: number}} picture @returns {Points} */
export function moved(points, name, to, placed, { width, height }) {
  const next = { ...points, [name]: to };
  if (GUIDES.includes(name)) {
    const mouth = placed.has('mouthCentre') ? { mouthCentre: next.mouthCentre } : {};
    const guessed = laidOut({ pupilLeft: next.pupilLeft, pupilRight: next.pupilRight, ...mouth });
    for (const other of NAMES) if (!placed.has(other)) next[other] = guessed[other];
  }
  return inside(next, width, height);
}

/** What is wrong, as the server would say it.
 * @param {Points} points @returns {{name: string, text: string}|null} */
export function problem(points) {
  const middle = { Left: between(points.eyeLeftInner, points.eyeLeftOuter), Right: between(points.eyeRightInner, points.eyeRightOuter) };
  const across = [middle.Left[0] - middle.Right[0], middle.Left[1] - middle.Right[1]];
  const apart = Math.hypot(...across);
  if (across[0] <= 0) return { name: 'eyeLeftInner', text: 'Left and right are swapped: the left eye of whoever is shown is on the right.' };
  if (apart < MIN_EYES_PX) return { name: 'pupilLeft', text: `The eyes are ${Math.round(apart)} pixels apart; at least ${MIN_EYES_PX} are needed: take a larger picture.` };
  if (Math.abs(Math.atan2(across[1], across[0])) > (MAX_TILT * Math.PI) / 180) return { name: 'pupilLeft', text: `The head is tilted by more than ${MAX_TILT} degrees: turn the picture first.` };
  const centre = between(middle.Left, middle.Right);
  const unit = [across[0] / apart, across[1] / apart];
  const seen = (name) => {
    const way = [points[name][0] - centre[0], points[name][1] - centre[1]];
    return [(way[0] * unit[0] + way[1] * unit[1]) / apart, (way[1] * unit[0] - way[0] * unit[1]) / apart];
  };
  return problemOfEyes(seen) ?? problemOfMouth(seen);
}

function problemOfEyes(seen) {
  for (const [side, sign] of [['Left', 1], ['Right', -1]]) {
    const width = sign * (seen(`eye${side}Outer`)[0] - seen(`eye${side}Inner`)[0]);
    const height = seen(`eye${side}Bottom`)[1] - seen(`eye${side}Top`)[1];
    if (!(width > 0.15 && width < 1)) return { name: `eye${side}Outer`, text: `The corners of the ${side.toLowerCase()} eye are too near or too far from each other.` };
    if (!(height > 0.03 && height < 0.8)) return { name: `eye${side}Top`, text: `The ${side.toLowerCase()} eye must be open, its upper lid above the lower one.` };
  }
  return null;
}

function problemOfMouth(seen) {
  const [left, right, centre, chin] = ['mouthLeft', 'mouthRight', 'mouthCentre', 'chin'].map(seen);
  const width = left[0] - right[0];
  if (!(width > 0.3 && width < 2) || Math.min(left[1], right[1]) < 0.3) return { name: 'mouthLeft', text: 'The corners of the mouth must be below the eyes, left and right.' };
  if (!(centre[0] > right[0] && centre[0] < left[0] && centre[1] > 0.3 && centre[1] < 2.5)) return { name: 'mouthCentre', text: 'The middle of the lips must be between the corners of the mouth.' };
  const below = chin[1] - centre[1];
  if (!(below > 0.12 && below < 1.5)) return { name: 'chin', text: 'The chin must be below the mouth.' };
  const aside = Math.abs((left[0] + right[0]) / 2) > 0.22 || Math.abs(seen('noseTip')[0]) > 0.25;
  if (aside) return { name: 'noseTip', text: 'The face looks to the side: take a picture from the front.' };
  return null;
}

/** As the server takes them: a tenth of a pixel is enough.
 * @param {Points} points */
export function asLandmarks(points) {
  const round = (value) => Math.round(value * 10) / 10;
  return Object.fromEntries(NAMES.map((name) => [name, points[name].map(round)]));
}

/** @param {Points} points @param {number} width @param {number} height @returns {Points} */
function inside(points, width, height) {
  return Object.fromEntries(NAMES.map((name) => [name, [clamp(points[name][0], 0, width), clamp(points[name][1], 0, height)]]));
}

function eye(side) {
  return Object.fromEntries(Object.entries(EYE).map(([part, words]) => [`eye${side}${part}`, `${side} eye, ${words}`]));
}

function layoutOfEye(side, x) {
  const inwards = -Math.sign(x);
  return {
    [`pupil${side}`]: [x, 0],
    [`eye${side}Inner`]: [x + 0.23 * inwards, 0.03],
    [`eye${side}Outer`]: [x - 0.25 * inwards, 0],
    [`eye${side}Top`]: [x, -0.1],
    [`eye${side}Bottom`]: [x, 0.1],
  };
}

function between(a, b) {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
