/** The one line that says how the call stands. */

/**
 * @param {object} now
 * @param {import('./call.js').CallState} now.call
 * @param {import('./conversation.js').Phase} now.phase
 * @param {'off'|'on'|'muted'} now.microphone
 * @returns {{words: string, mood: 'off'|'waiting'|'ready'|'hearing'|'thinking'|'speaking'}}
 */
export function statusOf({ call, phase, microphone }) {
  if (call === 'connecting') return { words: 'Connecting…', mood: 'waiting' };
  if (call === 'unsteady') return { words: 'Connection unsteady…', mood: 'waiting' };
  if (call === 'new' || call === 'over') return { words: 'Not connected', mood: 'off' };
  if (phase === 'speaking') return { words: 'Speaking', mood: 'speaking' };
  if (phase === 'thinking') return { words: 'Thinking…', mood: 'thinking' };
  if (phase === 'hearing') return { words: 'Hearing you…', mood: 'hearing' };
  return { words: LISTENING[microphone], mood: 'ready' };
}

const LISTENING = {
  on: 'Listening',
  muted: 'Microphone muted',
  off: 'Press Talk, or type',
};
