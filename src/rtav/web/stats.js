/** The few figures of a call that a person can act on, out of `RTCPeerConnection.getStats()`. */

/**
 * @typedef {object} Figures each null while unknown
 * @property {number|null} roundTripMs
 * @property {number|null} videoFps frames decoded per second
 * @property {string|null} picture e.g. "512 × 512 H264"
 * @property {number|null} audioJitterMs
 * @property {number|null} lostPercent of the packets since the last reading
 * @property {number|null} kbitPerSecond received
 * @property {number|null} audioBufferMs sound waits this long in the browser's jitter buffer
 * @property {number|null} lipSkewMs picture later than voice: positive
 */

/**
 * @param {Iterable<Record<string, any>>} report the values of an RTCStatsReport
 * @param {Reading|null} before the previous reading of the same connection
 * @returns {Reading}
 *
 * @typedef {{figures: Figures, counters: Counters}} Reading
 * @typedef {{at: number, frames: number, bytes: number, packets: number, lost: number, bufferS: number, emitted: number}} Counters
 */
export function read(report, before) {
  const all = [...report];
  const video = all.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'video');
  const audio = all.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'audio');
  const counters = count(audio, video, pathOf(all));
  const since = before && counters.at > before.counters.at ? before.counters : null;
  const passed = since ? (counters.at - since.at) / 1000 : 0;
  const per = (now, then) => (since ? (now - then) / passed : null);
  return {
    counters,
    figures: {
      roundTripMs: ms(pathOf(all)?.currentRoundTripTime),
      videoFps: video ? rounded(per(counters.frames, since?.frames)) : null,
      picture: pictureOf(video, all),
      audioJitterMs: ms(audio?.jitter),
      lostPercent: since ? lossOf(counters, since) : null,
      kbitPerSecond: rounded(per(counters.bytes, since?.bytes), 0.008),
      audioBufferMs: since ? bufferOf(counters, since) : null,
      lipSkewMs: skewOf(audio, video),
    },
  };
}

function count(audio, video, path) {
  const sum = (name) => (audio?.[name] ?? 0) + (video?.[name] ?? 0);
  return {
    at: path?.timestamp ?? video?.timestamp ?? audio?.timestamp ?? 0,
    frames: video?.framesDecoded ?? 0,
    bytes: sum('bytesReceived'),
    packets: sum('packetsReceived'),
    lost: sum('packetsLost'),
    bufferS: audio?.jitterBufferDelay ?? 0,
    emitted: audio?.jitterBufferEmittedCount ?? 0,
  };
}

/** The candidate pair in use; Firefox names no selected pair in its transport. */
function pathOf(all) {
  const chosen = all.find((entry) => entry.type === 'transport')?.selectedCandidatePairId;
  return all.find(
    (entry) =>
      entry.type === 'candidate-pair' &&
      (chosen ? entry.id === chosen : entry.nominated && entry.state === 'succeeded'),
  );
}

function pictureOf(video, all) {
  if (!video?.frameWidth) return null;
  const codec = all.find((entry) => entry.id === video.codecId)?.mimeType?.split('/')[1];
  return `${video.frameWidth} × ${video.frameHeight}${codec ? ` ${codec}` : ''}`;
}

function lossOf(now, then) {
  const lost = Math.max(0, now.lost - then.lost);
  const expected = now.packets - then.packets + lost;
  return expected > 0 ? Math.round((lost / expected) * 1000) / 10 : 0;
}

function bufferOf(now, then) {
  const emitted = now.emitted - then.emitted;
  return emitted > 0 ? ms((now.bufferS - then.bufferS) / emitted) : null;
}

/** Both are the capture time of what plays now, on the sender's clock. */
function skewOf(audio, video) {
  if (!audio?.estimatedPlayoutTimestamp || !video?.estimatedPlayoutTimestamp) return null;
  return Math.round(audio.estimatedPlayoutTimestamp - video.estimatedPlayoutTimestamp);
}

function ms(seconds) {
  return seconds === undefined ? null : Math.round(seconds * 1000);
}

function rounded(value, scale = 1) {
  return value === null ? null : Math.round(value * scale);
}
