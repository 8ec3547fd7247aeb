/** Microphones and loudspeakers: opening one, and the lists to choose from. */

import { CallError } from './words.js';

/**
 * @param {string} [deviceId] empty: the system's choice
 * @returns {Promise<MediaStreamTrack>}
 * @throws {CallError|DOMException} `words.js` explains each
 */
export async function openMicrophone(deviceId = '') {
  if (!navigator.mediaDevices?.getUserMedia) throw new CallError('insecure-page');
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: {
      ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
      // Without it, the avatar hears itself from the loudspeaker and stops at its own words.
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
    },
  });
  return stream.getAudioTracks()[0];
}

/** Names are empty until the person has allowed the microphone once; those are left out.
 * @returns {Promise<{microphones: Device[], speakers: Device[]}>}
 * @typedef {{id: string, name: string}} Device */
export async function listDevices() {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const named = (kind) =>
    all
      .filter((device) => device.kind === kind && device.deviceId && device.label)
      .map((device) => ({ id: device.deviceId, name: device.label }));
  return { microphones: named('audioinput'), speakers: named('audiooutput') };
}

/** Firefox and Safari choose the loudspeaker in the system settings only. */
export const canChooseSpeaker = 'setSinkId' in globalThis.HTMLMediaElement.prototype;

/** @param {() => void} changed @returns {void} */
export function onDevicesChanged(changed) {
  navigator.mediaDevices?.addEventListener('devicechange', changed);
}
