import assert from 'node:assert/strict';
import test from 'node:test';
import { median, TurnTimer } from './web/latency.js';

/** Feed 10 ms blocks from `from` up to `to` seconds. */
function feed(hear, from, to, level) {
  const results = [];
  for (let i = Math.round(from * 100) + 1; i <= Math.round(to * 100); i += 1) results.push(hear({ at: i / 100, level }));
  return results;
}

function turn() {
  const timer = new TurnTimer();
  return { timer, mic: (...span) => feed((b) => timer.microphone(b), ...span), out: (...span) => feed((b) => timer.reply(b), ...span) };
}

test('the wait is from the last loud moment of the microphone to the first of the answer', () => {
  const { timer, mic, out } = turn();
  mic(0, 1, 0.0005);
  timer.speechStarted();
  mic(1, 2, 0.05);
  mic(2, 2.5, 0.0005);
  timer.speechStopped();
  out(2.3, 2.4, 0);
  out(2.4, 3, 0.1);
  assert.deepEqual(timer.waits, [{ kind: 'spoken', ms: 410 }]);
});

test('an answer that nobody asked for is not a wait', () => {
  const { timer, out } = turn();
  out(0, 1, 0.1);
  assert.deepEqual(timer.waits, []);
});

test('the tail of an interrupted answer is not the beginning of the next', () => {
  const { timer, mic, out } = turn();
  out(0, 1.5, 0.1);
  timer.speechStarted();
  mic(1, 2, 0.05);
  timer.speechStopped();
  out(1.5, 2.05, 0.1);
  assert.deepEqual(timer.waits, []);
  out(2.05, 2.6, 0);
  out(2.6, 3, 0.1);
  assert.deepEqual(timer.waits, [{ kind: 'spoken', ms: 610 }]);
});

test('going on to speak before the answer starts the count anew', () => {
  const { timer, mic, out } = turn();
  mic(0, 1, 0.05);
  timer.speechStopped();
  timer.speechStarted();
  mic(1, 2, 0.05);
  timer.speechStopped();
  out(2.2, 2.3, 0.1);
  assert.deepEqual(timer.waits, [{ kind: 'spoken', ms: 210 }]);
});

test('steady noise is not taken for speech', () => {
  const { timer, mic } = turn();
  mic(0, 30, 0.01);
  const loud = mic(30, 31, 0.01);
  assert.equal(loud.includes(true), false);
  assert.equal(mic(31, 31.1, 0.08).every(Boolean), true);
});

test('a typed turn counts from sending', () => {
  const { timer, out } = turn();
  timer.typed(5);
  out(5.25, 5.3, 0.1);
  assert.deepEqual(timer.waits, [{ kind: 'typed', ms: 260 }]);
});

test('the median of none, one, two and three', () => {
  assert.deepEqual([median([]), median([7]), median([300, 100]), median([900, 100, 300])], [null, 7, 200, 300]);
});
