/**
 * What was said: a pure function from the events of a call to the messages a person reads.
 *
 * It takes the server's events and the page's own (`conversation.item.create`), in order.
 */

/**
 * @typedef {'listening'|'recognising'|'streaming'|'done'|'interrupted'|'failed'} MessageStatus
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {'user'|'assistant'} role
 * @property {string} words what was recognised, typed or spoken so far
 * @property {string} prose the written form some sessions send beside the spoken one
 * @property {MessageStatus} status
 * @property {boolean} spoken came from the microphone
 * @property {string|null} responseId
 *
 * @typedef {'listening'|'hearing'|'thinking'|'speaking'} Phase
 *
 * @typedef {object} Conversation
 * @property {Record<string, any>|null} session as the server last described it
 * @property {Message[]} messages oldest first
 * @property {Phase} phase
 * @property {boolean} playing voice is leaving the server right now
 * @property {{message: string, code?: string, param?: string}|null} error the latest one
 */

/** The server keeps its own limits; more than this is no longer a conversation one resumes. */
const HISTORY_MESSAGES = 100;

/** @returns {Conversation} */
export function emptyConversation() {
  return { session: null, messages: [], phase: 'listening', playing: false, error: null };
}

/**
 * @param {Conversation} state
 * @param {Record<string, any>} event
 * @returns {Conversation} the same object if the event changes nothing
 */
export function reduce(state, event) {
  const handle = HANDLERS[event.type];
  return handle ? handle(state, event) : state;
}

/** Ready for another call: what was under way when the last one broke off was interrupted.
 * @param {Conversation} state
 * @returns {Conversation} */
export function restarted(state) {
  const messages = state.messages
    .filter((message) => textOf(message))
    .map((message) => (isOpen(message) ? { ...message, status: interruptedOrDone(message) } : message));
  return { ...emptyConversation(), messages };
}

/** The client events that give a new session the conversation so far, without a word spoken.
 * @param {Conversation} state */
export function history(state) {
  return state.messages
    .filter((message) => textOf(message))
    .slice(-HISTORY_MESSAGES)
    .map((message) => ({
      type: 'conversation.item.create',
      item: {
        id: message.id,
        type: 'message',
        role: message.role,
        // An assistant's `input_text` would be spoken; `output_text` is only remembered.
        content: [
          { type: message.role === 'user' ? 'input_text' : 'output_text', text: textOf(message) },
        ],
      },
    }));
}

/** @param {Message} message */
export function textOf(message) {
  return (message.words || message.prose).trim();
}

/** What to print over the face: the end of what it is saying, or nothing.
 * @param {Conversation} state
 * @param {number} [limit] characters */
export function captionOf(state, limit = 110) {
  const speaker = state.messages.findLast((message) => message.status === 'streaming');
  if (!speaker || speaker.role !== 'assistant') return '';
  const text = textOf(speaker);
  const sentences = text.match(/[^.!?…]+[.!?…]*\s*/g) ?? [text];
  let caption = sentences.pop() ?? '';
  while (sentences.length && caption.length + sentences.at(-1).length <= limit) {
    caption = sentences.pop() + caption;
  }
  if (caption.length <= limit) return caption.trim();
  const tail = caption.slice(-limit);
  return `…${tail.slice(tail.indexOf(' ') + 1)}`.trim();
}

/** @type {Record<string, (state: Conversation, event: Record<string, any>) => Conversation>} */
const HANDLERS = {
  'session.created': (state, { session }) => ({ ...state, session }),
  'session.updated': (state, { session }) => ({ ...state, session, error: null }),
  error: (state, { error }) => ({ ...state, error }),

  'input_audio_buffer.speech_started': (state, { item_id }) => ({
    ...put(state, item_id, { role: 'user', spoken: true, status: 'listening' }),
    phase: 'hearing',
  }),
  'input_audio_buffer.speech_stopped': (state, { item_id }) => ({
    ...change(state, item_id, (message) => ({
      ...message,
      status: message.status === 'listening' ? 'recognising' : message.status,
    })),
    phase: 'thinking',
  }),
  'conversation.item.input_audio_transcription.delta': (state, { item_id, delta }) =>
    put(state, item_id, { role: 'user', spoken: true }, (message) => ({
      ...message,
      words: message.words + (delta ?? ''),
    })),
  'conversation.item.input_audio_transcription.completed': (state, { item_id, transcript }) =>
    put(state, item_id, { role: 'user', spoken: true }, (message) => ({
      ...message,
      words: transcript ?? '',
      status: transcript?.trim() ? 'done' : 'failed',
    })),
  'conversation.item.input_audio_transcription.failed': (state, { item_id }) =>
    put(state, item_id, { role: 'user', spoken: true }, (message) => ({
      ...message,
      status: 'failed',
    })),

  'conversation.item.create': itemAdded,
  'conversation.item.added': itemAdded,
  'conversation.item.done': itemSettled,
  'conversation.item.retrieved': itemSettled,
  'response.output_item.done': itemSettled,
  'conversation.item.deleted': (state, { item_id }) => ({
    ...state,
    messages: state.messages.filter((message) => message.id !== item_id),
  }),
  'conversation.item.truncated': (state, { item_id }) => change(state, item_id, interrupted),

  'response.created': (state) => ({ ...state, phase: 'thinking' }),
  'response.output_item.added': (state, { item, response_id }) =>
    item.type === 'message'
      ? put(state, item.id, { role: 'assistant', responseId: response_id })
      : state,
  'response.output_audio_transcript.delta': (state, event) => ({
    ...put(state, event.item_id, reply(event), (message) => ({
      ...message,
      words: message.words + event.delta,
    })),
    phase: state.phase === 'hearing' ? 'hearing' : 'speaking',
  }),
  'response.output_audio_transcript.done': (state, { item_id, transcript }) =>
    // Of a reply that was cut off, this holds what was sent; the item holds what was heard.
    change(state, item_id, (message) =>
      message.status === 'interrupted' || !transcript ? message : { ...message, words: transcript },
    ),
  'response.output_text.delta': (state, event) =>
    put(state, event.item_id, reply(event), (message) => ({
      ...message,
      prose: message.prose + event.delta,
    })),
  'response.done': responseDone,

  'output_audio_buffer.started': (state) => ({ ...state, playing: true, phase: 'speaking' }),
  'output_audio_buffer.stopped': (state, { response_id }) =>
    silent(settle(state, response_id, (message) => ({ ...message, status: 'done' }))),
  'output_audio_buffer.cleared': (state, { response_id }) =>
    silent(settle(state, response_id, interrupted)),
};

function itemAdded(state, { item }) {
  if (item.type !== 'message' || item.role === 'system') return state;
  const known = state.messages.find((message) => message.id === item.id);
  if (known) return state;
  const written = contentOf(item);
  const awaited = item.role === 'assistant' || item.content?.some((part) => part.type === 'input_audio');
  return put(state, item.id, {
    role: item.role,
    words: written,
    status: awaited && !written ? (item.role === 'user' ? 'recognising' : 'streaming') : 'done',
    spoken: item.role === 'user' && Boolean(awaited),
  });
}

function itemSettled(state, { item }) {
  if (item.type !== 'message' || item.role !== 'assistant') return state;
  const heard = contentOf(item);
  return change(state, item.id, (message) => {
    const cut = item.status === 'incomplete' || message.status === 'interrupted';
    return { ...message, words: cut && heard ? heard : message.words || heard };
  });
}

function responseDone(state, { response }) {
  const failed = response.status === 'failed';
  const settled = settle(state, response.id, (message) => {
    if (response.status === 'cancelled') return interrupted(message);
    if (failed) return { ...message, status: 'failed' };
    // While its voice is still leaving, a message stays open: its caption belongs to the face.
    return state.playing ? message : { ...message, status: 'done' };
  });
  const error = failed ? (response.status_details?.error ?? { message: 'The answer failed.' }) : state.error;
  return { ...(state.playing ? settled : silent(settled)), error };
}

/** The messages of one response, those that are still open, changed alike. */
function settle(state, responseId, update) {
  return {
    ...state,
    messages: state.messages.map((message) =>
      message.role === 'assistant' && message.responseId === responseId && isOpen(message)
        ? update(message)
        : message,
    ),
  };
}

function silent(state) {
  const answered = state.phase === 'speaking' || state.phase === 'thinking';
  return { ...state, playing: false, phase: answered ? 'listening' : state.phase };
}

/** What an event says about the message of the reply that it belongs to. */
function reply({ response_id }) {
  return { role: 'assistant', responseId: response_id };
}

/** Update the message, or append it first. */
function put(state, id, traits, update = (message) => message) {
  if (state.messages.some((message) => message.id === id)) {
    return change(state, id, (message) =>
      update({ ...message, responseId: traits.responseId ?? message.responseId }),
    );
  }
  const status = traits.role === 'user' ? 'recognising' : 'streaming';
  const fresh = { id, words: '', prose: '', status, spoken: false, responseId: null, ...traits };
  return { ...state, messages: [...state.messages, update(fresh)] };
}

function change(state, id, update) {
  return {
    ...state,
    messages: state.messages.map((message) => (message.id === id ? update(message) : message)),
  };
}

function interrupted(message) {
  return message.role === 'assistant' ? { ...message, status: 'interrupted' } : message;
}

function interruptedOrDone(message) {
  return message.role === 'assistant' ? 'interrupted' : 'done';
}

function isOpen({ status }) {
  return status === 'listening' || status === 'recognising' || status === 'streaming';
}

function contentOf(item) {
  return (item.content ?? []).map((part) => part.text ?? part.transcript ?? '').join('');
}
