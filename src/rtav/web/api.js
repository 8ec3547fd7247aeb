/** The server's HTTP side: lists of what can be chosen, and the start and end of a call. */

import { ApiError } from './words.js';

/** A server that takes longer than this over a request is as good as gone. */
const PATIENCE_MS = 15_000;
/** The first time it loads a detector from a slow disk. */
const FACE_PATIENCE_MS = 60_000;

/**
 * @typedef {object} Asset
 * @property {string} id what a session calls it
 * @property {string} name
 * @property {string} [preview_url] faces
 * @property {string} [voice] faces: the voice that suits it
 * @property {string} [language] voices
 * @property {number} [duration_seconds] driving motions
 * @property {string} [description] driving motions
 *
 * @typedef {object} Secret
 * @property {string} value the short-lived key
 * @property {RTCIceServer[]} iceServers usually none
 */

export class Api {
  /** @param {{base?: string, key?: string}} [options] base: the page's folder on the server */
  constructor({ base = document.baseURI, key = '' } = {}) {
    this.base = base;
    this.key = key;
  }

  /** @returns {Promise<Asset[]>} */
  async faces() {
    const faces = await this.#list('faces');
    return Promise.all(faces.map((face) => this.#pictured(face)));
  }

  /** @returns {Promise<Asset[]>} */
  voices() {
    return this.#list('voices');
  }

  /** @returns {Promise<Asset[]>} */
  motions() {
    return this.#list('driving');
  }

  /** Pictures to stand behind a face. @returns {Promise<Asset[]>} */
  backgrounds() {
    return this.#list('backgrounds');
  }

  /** Swap the key for a short-lived one, which alone takes part in the call.
   * @returns {Promise<Secret>} */
  async mintSecret() {
    let response;
    try {
      response = await this.#ask('v1/realtime/client_secrets', this.key, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ session: { type: 'realtime' } }),
      });
    } catch (error) {
      // Someone may hand out links with short-lived keys: those cannot mint, only call.
      if (!(error instanceof ApiError && error.status === 403)) throw error;
      response = await this.#ask('v1/realtime/ice_servers', this.key, { method: 'GET' });
      return { value: this.key, iceServers: (await response.json()).ice_servers };
    }
    const { client_secret, ice_servers } = await response.json();
    return { value: client_secret, iceServers: ice_servers ?? [] };
  }

  /**
   * @param {string} secret @param {string} sdp the offer @param {Record<string, any>} session
   * @returns {Promise<{sdp: string, callId: string|null}>} the answer
   */
  async createCall(secret, sdp, session) {
    const form = new FormData();
    form.append('sdp', sdp);
    form.append('session', JSON.stringify(session));
    const response = await this.#ask('v1/realtime/calls', secret, { method: 'POST', body: form });
    const callId = response.headers.get('Location')?.split('/').pop() ?? null;
    return { sdp: await response.text(), callId };
  }

  /** Works while the page is being left, too. A call that is already over is no error.
   * @param {string} secret the one that made the call @param {string} callId */
  async hangUp(secret, callId) {
    // A short-lived key may have expired during the call; the page's own has not.
    const key = this.key || secret;
    try {
      await this.#ask(`v1/realtime/calls/${encodeURIComponent(callId)}/hangup`, key, {
        method: 'POST',
        keepalive: true,
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Where the face is in a picture, if the server can tell.
   * @param {Blob} picture @returns {Promise<{landmarks: Record<string, [number, number]>}>} */
  async findFace(picture) {
    const form = new FormData();
    form.append('file', picture);
    const response = await this.#ask('v1/faces/landmarks', this.key, { method: 'POST', body: form, patienceMs: FACE_PATIENCE_MS });
    return response.json();
  }

  /** @param {Blob} picture @param {Record<string, string>} fields of the form
   * @returns {Promise<Asset>} the face, with a picture that can be shown */
  async makeFace(picture, fields) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', picture);
    const response = await this.#ask('v1/faces', this.key, { method: 'POST', body: form, patienceMs: FACE_PATIENCE_MS });
    return this.#pictured(await response.json());
  }

  /** @param {string} id */
  async deleteFace(id) {
    await this.#ask(`v1/faces/${encodeURIComponent(id)}`, this.key, { method: 'DELETE' });
  }

  async #list(kind) {
    const response = await this.#ask(`v1/${kind}`, this.key, { method: 'GET' });
    return (await response.json())[kind];
  }

  /** A face of one's own shows its picture to its key alone, which no <img> can send. */
  async #pictured(face) {
    const { preview_url: url, ...rest } = face;
    if (face.type !== 'custom' || !url) return face;
    try {
      const response = await this.#ask(url.slice(1), this.key, { method: 'GET' });
      return { ...rest, preview_url: URL.createObjectURL(await response.blob()) };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return rest;
    }
  }

  /** @returns {Promise<Response>} @throws {ApiError} for everything that is not 2xx */
  async #ask(path, key, { headers = {}, patienceMs = PATIENCE_MS, ...options }) {
    const authorization = key ? { Authorization: `Bearer ${key}` } : {};
    let response;
    try {
      response = await fetch(new URL(path, this.base), {
        ...options,
        headers: { ...headers, ...authorization },
        signal: AbortSignal.timeout(patienceMs),
      });
    } catch (error) {
      throw new ApiError(0, error.message);
    }
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

async function refusal(response) {
  const body = await response.json().catch(() => ({}));
  const retryAfter = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  return new ApiError(response.status, body.error?.message ?? body.detail ?? response.statusText, {
    code: body.error?.code ?? null,
    retryAfterS: Number.isNaN(retryAfter) ? null : retryAfter,
  });
}
