/** One call: a peer connection with voice both ways, a face, and a channel of JSON events. */

import { CallError } from './words.js';

/** Nothing came through by then: nothing will. Browsers themselves take 15 to 30 s to say so. */
const PATH_LIMIT_MS = 10_000;
/** Browsers speak of a disconnection after some 5 s of silence; by then the server gives up, too. */
const DISCONNECTED_LIMIT_MS = 2_000;

/**
 * @typedef {'new'|'connecting'|'open'|'unsteady'|'over'} CallState
 *
 * Dispatches, each as a CustomEvent:
 * `state` {state, error}: `over` comes once; its error is null after `hangUp`;
 * `received` and `sent` (a JSON event); `stream` (the MediaStream with voice and face).
 */
export class Call extends EventTarget {
  #api;
  #secret = null;
  #callId = null;
  /** @type {RTCPeerConnection|null} */
  #peer = null;
  /** @type {RTCDataChannel|null} */
  #channel = null;
  #timer = 0;
  /** @type {RTCRtpSender|null} */
  #sender = null;
  /** Why the server is about to end the call, if it said so. */
  #reason = '';

  /** @param {import('./api.js').Api} api */
  constructor(api) {
    super();
    this.#api = api;
    /** @type {CallState} */
    this.state = 'new';
  }

  get isOpen() {
    return this.state === 'open' || this.state === 'unsteady';
  }

  /**
   * Resolves when events can be sent. The microphone joins later, without a new offer.
   * @param {Record<string, any>} session
   * @throws {CallError|import('./words.js').ApiError} the call is over then
   */
  async connect(session) {
    this.#enter('connecting');
    try {
      await this.#connect(session);
    } catch (error) {
      this.#end(error);
      throw error;
    }
  }

  /** @param {Record<string, any>} event */
  send(event) {
    if (this.#channel?.readyState !== 'open') return;
    this.#channel.send(JSON.stringify(event));
    this.#emit('sent', event);
  }

  /** @param {MediaStreamTrack|null} track null: silence */
  async setMicrophone(track) {
    await this.#sender?.replaceTrack(track);
  }

  /** @returns {Promise<RTCStatsReport|null>} */
  async stats() {
    return this.#peer && this.isOpen ? this.#peer.getStats() : null;
  }

  /** Ends the call on the server and here. */
  async hangUp() {
    if (this.state === 'over') return;
    clearTimeout(this.#timer);
    this.#enter('over');
    // The server first: told by the closing connection, it would no longer know the call.
    if (this.#callId) await this.#api.hangUp(this.#secret, this.#callId);
    this.#peer?.close();
  }

  async #connect(session) {
    if (!globalThis.RTCPeerConnection) throw new CallError('no-webrtc');
    const { value: secret, iceServers } = await this.#api.mintSecret();
    this.#throwIfOver();
    const peer = this.#prepare(iceServers);
    const offer = await peer.createOffer();
    await peer.setLocalDescription(offer);
    const answer = await this.#api.createCall(secret, offer.sdp, session);
    this.#secret = secret;
    this.#callId = answer.callId;
    if (this.state === 'over') {
      // Hung up while the server was answering.
      if (answer.callId) await this.#api.hangUp(secret, answer.callId);
      this.#throwIfOver();
    }
    await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    await this.#opened();
  }

  #prepare(iceServers) {
    const peer = new RTCPeerConnection({ iceServers });
    this.#peer = peer;
    // Negotiated both ways from the start: the microphone is put in when the person presses Talk.
    this.#sender = peer.addTransceiver('audio', { direction: 'sendrecv' }).sender;
    peer.addTransceiver('video', { direction: 'recvonly' });
    peer.ontrack = ({ streams, track }) => this.#emit('stream', streams[0] ?? new MediaStream([track]));
    peer.onconnectionstatechange = () => this.#pathChanged(peer.connectionState);
    const channel = peer.createDataChannel('realtime', { ordered: true });
    channel.onmessage = ({ data }) => this.#received(JSON.parse(data));
    channel.onclose = () => this.#end(new CallError('closed-by-server', this.#reason));
    this.#channel = channel;
    return peer;
  }

  /** Wait for the channel, or for the reason why there is none. */
  #opened() {
    const { promise, resolve, reject } = deferred();
    this.addEventListener('state', ({ detail }) => {
      if (detail.state === 'over') reject(detail.error ?? new CallError('lost'));
    });
    const opened = () => {
      clearTimeout(this.#timer);
      this.#enter('open');
      resolve();
    };
    this.#timer = setTimeout(() => this.#end(new CallError('no-path')), PATH_LIMIT_MS);
    if (this.#channel.readyState === 'open') opened();
    else this.#channel.onopen = opened;
    return promise;
  }

  #pathChanged(path) {
    if (path === 'failed') this.#end(new CallError(this.isOpen ? 'lost' : 'no-path'));
    if (path === 'disconnected' && this.state === 'open') {
      this.#enter('unsteady');
      this.#timer = setTimeout(() => this.#end(new CallError('lost')), DISCONNECTED_LIMIT_MS);
    }
    if (path === 'connected' && this.state === 'unsteady') {
      clearTimeout(this.#timer);
      this.#enter('open');
    }
  }

  #received(event) {
    if (event.type === 'error' && event.error?.code === 'session_expired') {
      this.#reason = event.error.message;
    }
    this.#emit('received', event);
  }

  #throwIfOver() {
    if (this.state === 'over') throw new CallError('lost');
  }

  #end(error) {
    if (this.state === 'over') return;
    clearTimeout(this.#timer);
    this.#enter('over', error);
    this.#peer?.close();
  }

  /** @param {CallState} state */
  #enter(state, error = null) {
    this.state = state;
    this.#emit('state', { state, error });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function deferred() {
  let resolve;
  let reject;
  const promise = new Promise((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}
