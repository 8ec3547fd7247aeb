import assert from 'node:assert/strict';
import test from 'node:test';
import { read } from './web/stats.js';

const report = (change = {}) => [
  { type: 'transport', id: 'T', selectedCandidatePairId: 'P' },
  { type: 'candidate-pair', id: 'Q', state: 'succeeded', nominated: true, currentRoundTripTime: 9, timestamp: 1000 },
  { type: 'candidate-pair', id: 'P', state: 'succeeded', nominated: true, currentRoundTripTime: 0.018, timestamp: 1000, ...change.path },
  { type: 'codec', id: 'C', mimeType: 'video/H264' },
  {
    type: 'inbound-rtp', kind: 'video', codecId: 'C', frameWidth: 512, frameHeight: 512, framesDecoded: 100,
    bytesReceived: 50_000, packetsReceived: 90, packetsLost: 0, estimatedPlayoutTimestamp: 5000, ...change.video,
  },
  {
    type: 'inbound-rtp', kind: 'audio', jitter: 0.0034, bytesReceived: 4000, packetsReceived: 50, packetsLost: 2,
    jitterBufferDelay: 10, jitterBufferEmittedCount: 48_000, estimatedPlayoutTimestamp: 5012, ...change.audio,
  },
];

test('a first reading knows what needs no earlier one', () => {
  const { figures } = read(report(), null);
  assert.deepEqual(figures, {
    roundTripMs: 18, videoFps: null, picture: '512 × 512 H264', audioJitterMs: 3, lostPercent: null,
    kbitPerSecond: null, audioBufferMs: null, lipSkewMs: 12,
  });
});

test('rates are over the time between two readings', () => {
  const later = report({
    path: { timestamp: 3000 },
    video: { framesDecoded: 150, bytesReceived: 290_000, packetsReceived: 280, packetsLost: 0 },
    audio: { bytesReceived: 14_000, packetsReceived: 158, packetsLost: 4, jitterBufferDelay: 3850, jitterBufferEmittedCount: 144_000 },
  });
  const { figures } = read(later, read(report(), null));
  assert.equal(figures.videoFps, 25);
  assert.equal(figures.kbitPerSecond, 1000);
  assert.equal(figures.lostPercent, 0.7);
  assert.equal(figures.audioBufferMs, 40);
});

test('a connection without media has no figures', () => {
  const figures = Object.values(read([], null).figures);
  assert.deepEqual(figures.filter((value) => value !== null), []);
});
