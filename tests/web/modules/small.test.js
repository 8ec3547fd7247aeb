import assert from 'node:assert/strict';
import test from 'node:test';
import { readAddress } from './web/address.js';
import { EventLog, matches, toJsonLines } from './web/log.js';
import { isMatte } from './web/matte.js';
import { drivingFor } from './web/motions.js';
import { statusOf } from './web/status.js';
import { ApiError, CallError, explain } from './web/words.js';

const AT = new Date('2030-01-01T10:00:00.250Z');

test('the log keeps the last entries and numbers them on', () => {
  const log = new EventLog(3);
  for (let i = 1; i <= 5; i += 1) log.add('in', { type: `event.${i}` }, AT);
  assert.deepEqual(log.entries.map(({ number, event }) => [number, event.type]), [
    [3, 'event.3'], [4, 'event.4'], [5, 'event.5'],
  ]);
});

test('the log is filtered by words and by direction', () => {
  const entry = new EventLog().add('in', { type: 'response.done', status: 'Completed' }, AT);
  assert.equal(matches(entry, { text: 'DONE completed' }), true);
  assert.equal(matches(entry, { text: 'done cancelled' }), false);
  assert.equal(matches(entry, { direction: 'out' }), false);
  assert.equal(matches(entry, {}), true);
});

test('the log is copied as one JSON object a line', () => {
  const log = new EventLog();
  log.add('in', { type: 'a' }, AT);
  log.add('out', { type: 'b' }, AT);
  assert.equal(
    toJsonLines(log.entries),
    '{"at":"2030-01-01T10:00:00.250Z","direction":"in","event":{"type":"a"}}\n' +
      '{"at":"2030-01-01T10:00:00.250Z","direction":"out","event":{"type":"b"}}',
  );
});

test('motions play once and come back to rest, unless the last is to go on', () => {
  assert.deepEqual(drivingFor(['Wink'], false), ['Wink', 'default']);
  assert.equal(drivingFor(['Wink'], true), 'Wink');
  assert.deepEqual(drivingFor(['Wink', 'Wink', 'SmileTeeth'], true), ['Wink', 'Wink', 'SmileTeeth']);
  assert.deepEqual(drivingFor(['Wink', 'default'], false), ['Wink', 'default']);
  assert.equal(drivingFor(['default'], false), 'default');
  assert.equal(drivingFor([], false), 'default');
});

function browser(hash, stored = {}) {
  const shown = [];
  return {
    shown,
    stored,
    location: { hash, pathname: '/', search: '?a=1' },
    history: { replaceState: (_state, _title, url) => shown.push(url) },
    sessionStorage: { getItem: (name) => stored[name] ?? null, setItem: (name, value) => { stored[name] = value; } },
  };
}

test('the key leaves the address and is still there after a reload', () => {
  const first = browser('#key=rtav_ak_1&face=face2');
  assert.deepEqual(readAddress(first), { key: 'rtav_ak_1', wishes: { face: 'face2' } });
  assert.deepEqual(first.shown, ['/?a=1#face=face2']);
  const again = browser('', first.stored);
  assert.deepEqual(readAddress(again), { key: 'rtav_ak_1', wishes: {} });
  assert.deepEqual(again.shown, []);
});

test('no key is an empty one', () => {
  assert.deepEqual(readAddress(browser('')), { key: '', wishes: {} });
});

const named = (name) => Object.assign(new Error('x'), { name });

test('each thing that can go wrong has its own words', () => {
  const words = [
    [named('NotAllowedError'), 'The microphone is blocked', null],
    [named('NotFoundError'), 'No microphone found', null],
    [named('NotReadableError'), 'The microphone does not answer', null],
    [new CallError('insecure-page'), 'This page may not use the microphone', null],
    [new CallError('no-webrtc'), 'This browser cannot hold a call', null],
    [new CallError('no-path'), 'Voice and picture cannot get through', 'reconnect'],
    [new CallError('lost'), 'The connection broke off', 'reconnect'],
    [new CallError('closed-by-server'), 'The server ended the call', 'reconnect'],
    [new ApiError(0, 'Failed to fetch'), 'The server does not answer', 'reconnect'],
    [new ApiError(401, 'Invalid API key'), 'The key is not accepted', 'key'],
    [new ApiError(403, 'Insufficient permissions'), 'The key may not do this', 'key'],
    [new ApiError(429, 'Slow down'), 'Too many calls in a short time', 'retry'],
    [new ApiError(503, 'Full'), 'Every place is taken', 'retry'],
    [new ApiError(500, 'Oops'), 'The server has a problem', 'retry'],
    [new ApiError(400, 'Bad offer'), 'The server refused the call', 'retry'],
    [new Error('odd'), 'Something went wrong', 'reconnect'],
  ];
  for (const [error, title, remedy] of words) {
    const said = explain(error);
    assert.deepEqual([said.title, said.remedy], [title, remedy]);
    assert.ok(said.text.length > 2);
  }
});

test('words say what to do', () => {
  assert.match(explain(new CallError('insecure-page')).text, /the https address/);
  assert.match(explain(new CallError('no-path')).text, /UDP.*firewall/);
  assert.match(explain(new ApiError(503, 'Full', { retryAfterS: 5 })).text, /Try again in 5 seconds/);
  assert.match(explain(new CallError('closed-by-server', 'The session is over.')).text, /^The session is over\./);
});

test('the status tells who has the floor', () => {
  const open = { call: 'open', phase: 'listening', microphone: 'on' };
  assert.equal(statusOf(open).words, 'Listening');
  assert.equal(statusOf({ ...open, microphone: 'muted' }).words, 'Microphone muted');
  assert.equal(statusOf({ ...open, microphone: 'off' }).words, 'Press Talk, or type');
  assert.equal(statusOf({ ...open, phase: 'hearing' }).mood, 'hearing');
  assert.equal(statusOf({ ...open, phase: 'speaking' }).words, 'Speaking');
  assert.equal(statusOf({ ...open, call: 'over', phase: 'speaking' }).words, 'Not connected');
  assert.equal(statusOf({ ...open, call: 'unsteady' }).mood, 'waiting');
});

test('a matte is a picture of one of our shapes that is twice as high', () => {
  const sizes = [[512, 512], [512, 912], [912, 512], [256, 448], [1824, 1024]];
  for (const [width, height] of sizes) {
    assert.equal(isMatte(width, height), false, `${width} x ${height}`);
    assert.equal(isMatte(width, 2 * height), true, `${width} x ${2 * height}`);
  }
});
