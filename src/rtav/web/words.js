/** The words a person reads when something goes wrong: what happened, and what to do about it. */

/**
 * @typedef {object} Words
 * @property {string} title
 * @property {string} text
 * @property {'reconnect'|'key'|'retry'|null} remedy what a button beside them would do
 */

/** Something the page itself found out about a call; `code` is one of the keys of CALL. */
export class CallError extends Error {
  /** @param {string} code @param {string} [detail] the server's own words */
  constructor(code, detail = '') {
    super(detail || code);
    this.name = 'CallError';
    this.code = code;
    this.detail = detail;
  }
}

/** An answer of the server that is not 2xx, or (status 0) no answer at all. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message @param {{code?: string|null, retryAfterS?: number|null}} [more] */
  constructor(status, message, { code = null, retryAfterS = null } = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

/** @param {any} error @returns {Words} */
export function explain(error) {
  if (error instanceof ApiError) return apiWords(error);
  if (error instanceof CallError && CALL[error.code]) return withDetail(CALL[error.code], error.detail);
  return (
    MICROPHONE[error?.name] ?? {
      title: 'Something went wrong',
      text: error?.message ?? String(error),
      remedy: 'reconnect',
    }
  );
}

/** @type {Record<string, Words>} */
const MICROPHONE = {
  NotAllowedError: {
    title: 'The microphone is blocked',
    text: 'Allow the microphone for this page (the icon beside the address), then press Talk again. Typing works without it.',
    remedy: null,
  },
  NotFoundError: {
    title: 'No microphone found',
    text: 'Plug one in or switch it on in the system settings, then press Talk again. Typing works without it.',
    remedy: null,
  },
  OverconstrainedError: {
    title: 'That microphone is gone',
    text: 'Choose another one under Sound, then press Talk again.',
    remedy: null,
  },
  NotReadableError: {
    title: 'The microphone does not answer',
    text: 'Another program may be using it. Close that one, then press Talk again.',
    remedy: null,
  },
};
MICROPHONE.SecurityError = MICROPHONE.NotAllowedError;

/** @type {Record<string, Words>} */
const CALL = {
  'insecure-page': {
    title: 'This page may not use the microphone',
    text: 'Browsers hand it only to secure pages. Open the https address that the server printed when it started, and press Talk again. Typing works here too.',
    remedy: null,
  },
  'no-webrtc': {
    title: 'This browser cannot hold a call',
    text: 'It has no WebRTC, or a setting or extension has switched it off. A current Chrome, Edge, Firefox or Safari has it.',
    remedy: null,
  },
  'no-path': {
    title: 'Voice and picture cannot get through',
    text: 'The server answered, but no media packet arrived. Its UDP port must be open in every firewall on the way, and the server must announce an address this browser can reach. Running “rtav doctor” on the server says which.',
    remedy: 'reconnect',
  },
  lost: {
    title: 'The connection broke off',
    text: 'Reconnect goes on with the same conversation.',
    remedy: 'reconnect',
  },
  'closed-by-server': {
    title: 'The server ended the call',
    text: 'Reconnect goes on with the same conversation.',
    remedy: 'reconnect',
  },
  'speaker-refused': {
    title: 'That loudspeaker cannot be used',
    text: 'Choose another one under Sound.',
    remedy: null,
  },
  'microphone-gone': {
    title: 'The microphone was unplugged',
    text: 'Press Talk to go on with another one. Typing works without it.',
    remedy: null,
  },
};

/** @param {ApiError} error @returns {Words} */
function apiWords({ status, message, retryAfterS }) {
  if (status === 0) {
    return {
      title: 'The server does not answer',
      text: 'It may be starting, stopped or out of reach. Check that it is running, then reconnect.',
      remedy: 'reconnect',
    };
  }
  if (status === 401) {
    return { title: 'The key is not accepted', text: `The server says: ${message}. Enter one that it knows.`, remedy: 'key' };
  }
  if (status === 403) {
    return { title: 'The key may not do this', text: message, remedy: 'key' };
  }
  const wait = retryAfterS ? `Try again in ${retryAfterS} seconds.` : 'Try again in a moment.';
  if (status === 503) {
    const text = `The server already has as many calls as it can serve well. ${wait}`;
    return { title: 'Every place is taken', text, remedy: 'retry' };
  }
  if (status === 429) {
    return { title: 'Too many calls in a short time', text: wait, remedy: 'retry' };
  }
  if (status >= 500) {
    return { title: 'The server has a problem', text: `${message} (${status}). Its log says more.`, remedy: 'retry' };
  }
  return { title: 'The server refused the call', text: `${message} (${status}).`, remedy: 'retry' };
}

/** @param {Words} words @param {string} detail @returns {Words} */
function withDetail(words, detail) {
  return detail ? { ...words, text: `${detail} ${words.text}` } : words;
}
