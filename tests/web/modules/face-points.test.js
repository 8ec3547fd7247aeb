import assert from 'node:assert/strict';
import { test } from 'node:test';

import { GUIDES, LABELS, NAMES, asLandmarks, firstGuess, guessFrom, laidOut, moved, problem } from './web/face-points.js';

const SIZE = { width: 720, height: 720 };
const guess = () => firstGuess(SIZE.width, SIZE.height);
const changed = (changes) => ({ ...guess(), ...changes });

test('the first guess is a face, in pictures of any shape', () => {
  for (const [width, height] of [[720, 720], [600, 1200], [1920, 1080]]) {
    const points = firstGuess(width, height);
    assert.equal(problem(points), null);
    assert.deepEqual(Object.keys(points), NAMES);
    for (const [x, y] of Object.values(points)) assert.ok(x >= 0 && x <= width && y >= 0 && y <= height);
  }
});

test('every point has words, and the guides are points', () => {
  assert.equal(NAMES.length, 16);
  assert.equal(LABELS.eyeLeftInner, 'Left eye, corner at the nose');
  for (const name of GUIDES) assert.ok(NAMES.includes(name));
});

test('the guides carry what was never moved', () => {
  const before = guess();
  const [x, y] = before.pupilLeft;
  const placed = new Set(['pupilLeft']);
  const after = moved(before, 'pupilLeft', [x + 20, y], placed, SIZE);
  assert.deepEqual(after.pupilLeft, [x + 20, y]);
  assert.ok(after.eyeLeftTop[0] > before.eyeLeftTop[0] + 10);
  assert.ok(after.chin[1] > before.chin[1]); // a larger face

  placed.add('chin');
  const kept = moved(after, 'pupilRight', [200, y], placed.add('pupilRight'), SIZE);
  assert.deepEqual(kept.chin, after.chin);
});

test('the middle of the mouth carries its corners and the chin', () => {
  const before = guess();
  const [x, y] = before.mouthCentre;
  const after = moved(before, 'mouthCentre', [x, y + 30], new Set(['mouthCentre']), SIZE);
  assert.ok(after.mouthLeft[1] > before.mouthLeft[1] + 20);
  assert.ok(after.chin[1] > before.chin[1] + 20);
  assert.deepEqual(after.eyeLeftTop, before.eyeLeftTop);
});

test('other points move alone, and never out of the picture', () => {
  const before = guess();
  const after = moved(before, 'chin', [9000, -5], new Set(['chin']), SIZE);
  assert.deepEqual(after, { ...before, chin: [720, 0] });
});

test('a tilted pair of eyes tilts the face', () => {
  const points = laidOut({ pupilLeft: [460, 340], pupilRight: [300, 300] });
  assert.ok(points.chin[0] < 380 - 30);
  assert.equal(problem(points), null);
});

test('a browser that detects faces gives a better guess', () => {
  const box = { x: 200, y: 100, width: 300, height: 400 };
  const at = (x, y) => ({ x, y });
  const landmarks = [
    { type: 'eye', locations: [at(420, 250)] },
    { type: 'eye', locations: [at(280, 250), at(284, 250)] },
    { type: 'mouth', locations: [at(350, 400)] },
  ];
  const points = guessFrom({ boundingBox: box, landmarks }, 720, 720);
  assert.deepEqual([points.pupilLeft, points.pupilRight, points.mouthCentre], [[420, 250], [282, 250], [350, 400]]);
  assert.equal(problem(points), null);
  assert.deepEqual(guessFrom({ boundingBox: box }, 720, 720).pupilLeft, [410, 252]);
});

test('what is wrong names the point', () => {
  const cases = [
    [{ ...guess(), eyeLeftInner: guess().eyeRightInner, eyeLeftOuter: guess().eyeRightOuter, eyeRightInner: guess().eyeLeftInner, eyeRightOuter: guess().eyeLeftOuter }, 'eyeLeftInner'],
    [firstGuess(200, 200), 'pupilLeft'],
    [laidOut({ pupilLeft: [400, 400], pupilRight: [300, 300] }), 'pupilLeft'],
    [changed({ eyeRightTop: guess().eyeRightBottom }), 'eyeRightTop'],
    [changed({ eyeLeftOuter: [700, guess().pupilLeft[1]] }), 'eyeLeftOuter'],
    [changed({ eyeLeftOuter: guess().eyeLeftInner }), 'eyeLeftOuter'],
    [changed({ mouthLeft: guess().pupilLeft }), 'mouthLeft'],
    [changed({ mouthCentre: guess().chin.map((v, i) => (i ? v : v + 300)) }), 'mouthCentre'],
    [changed({ chin: guess().mouthCentre }), 'chin'],
    [changed({ noseTip: [guess().noseTip[0] + 60, 380] }), 'noseTip'],
  ];
  for (const [points, name] of cases) assert.equal(problem(points)?.name, name);
});

test('the server is sent pairs of short numbers', () => {
  const sent = asLandmarks(changed({ chin: [1.23456, 2] }));
  assert.deepEqual(sent.chin, [1.2, 2]);
  assert.deepEqual(Object.keys(sent), NAMES);
});
