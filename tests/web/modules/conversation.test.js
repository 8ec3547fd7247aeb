import assert from 'node:assert/strict';
import test from 'node:test';
import { captionOf, emptyConversation, history, reduce, restarted, textOf } from './web/conversation.js';

const play = (events, state = emptyConversation()) => events.reduce(reduce, state);
const shown = (state) => state.messages.map((m) => [m.role, textOf(m), m.status]);

const started = (item_id) => ({ type: 'input_audio_buffer.speech_started', audio_start_ms: 0, item_id });
const stopped = (item_id) => ({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 900, item_id });
const heard = (item_id, delta) => ({ type: 'conversation.item.input_audio_transcription.delta', item_id, delta });
const written = (item_id, transcript) => ({
  type: 'conversation.item.input_audio_transcription.completed', item_id, transcript,
});
const created = (id) => ({ type: 'response.created', response: { id } });
const audible = (response_id) => ({ type: 'output_audio_buffer.started', response_id });
const silent = (response_id) => ({ type: 'output_audio_buffer.stopped', response_id });
const cleared = (response_id) => ({ type: 'output_audio_buffer.cleared', response_id });
const says = (response_id, item_id, delta) => ({
  type: 'response.output_audio_transcript.delta', response_id, item_id, output_index: 0, content_index: 0, delta,
});
const done = (id, status = 'completed', details = null) => ({
  type: 'response.done', response: { id, status, status_details: details, output: [] },
});

const SPOKEN_TURN = [
  started('u1'), heard('u1', 'Hello'), heard('u1', ' there'), stopped('u1'), written('u1', 'Hello, there.'),
];
const ANSWER = [created('r1'), audible('r1'), says('r1', 'a1', 'Good '), says('r1', 'a1', 'morning.')];

test('words appear as they are recognised and the completed text is the truth', () => {
  const midway = play(SPOKEN_TURN.slice(0, 3));
  assert.deepEqual(shown(midway), [['user', 'Hello there', 'listening']]);
  assert.equal(midway.phase, 'hearing');

  const whole = play(SPOKEN_TURN);
  assert.deepEqual(shown(whole), [['user', 'Hello, there.', 'done']]);
  assert.equal(whole.phase, 'thinking');
});

test('an answer grows with what is said and is done when its voice has ended', () => {
  const speaking = play([...SPOKEN_TURN, ...ANSWER, done('r1')]);
  assert.deepEqual(shown(speaking)[1], ['assistant', 'Good morning.', 'streaming']);
  assert.equal(speaking.phase, 'speaking');

  const quiet = play([silent('r1')], speaking);
  assert.deepEqual(shown(quiet)[1], ['assistant', 'Good morning.', 'done']);
  assert.equal(quiet.phase, 'listening');
});

test('an answer without output_audio_buffer events is done with its response', () => {
  const state = play([created('r1'), says('r1', 'a1', 'Yes.'), done('r1')]);
  assert.deepEqual(shown(state), [['assistant', 'Yes.', 'done']]);
  assert.equal(state.phase, 'listening');
});

test('speaking over an answer marks it interrupted and keeps listening to the caller', () => {
  const state = play([
    ...ANSWER, started('u2'), done('r1', 'cancelled'), cleared('r1'),
    { type: 'conversation.item.truncated', item_id: 'a1', content_index: 0, audio_end_ms: 400 },
  ]);
  assert.deepEqual(shown(state), [
    ['assistant', 'Good morning.', 'interrupted'],
    ['user', '', 'listening'],
  ]);
  assert.equal(state.phase, 'hearing');
  assert.equal(state.playing, false);
});

test('an answer that was cleared after its response was done is interrupted too', () => {
  assert.equal(play([...ANSWER, done('r1'), cleared('r1')]).messages[0].status, 'interrupted');
});

test('of an interrupted answer only what was heard is kept', () => {
  const state = play([
    ...ANSWER, done('r1', 'cancelled'), cleared('r1'),
    {
      type: 'response.output_audio_transcript.done', response_id: 'r1', item_id: 'a1',
      transcript: 'Good morning. What was never said.',
    },
    {
      type: 'conversation.item.retrieved',
      item: { id: 'a1', type: 'message', role: 'assistant', content: [{ type: 'output_audio', transcript: 'Good' }] },
    },
  ]);
  assert.deepEqual(shown(state), [['assistant', 'Good', 'interrupted']]);
});

test('the written form beside the spoken one is not shown twice', () => {
  const text = { type: 'response.output_text.delta', response_id: 'r1', item_id: 'a1', delta: 'Good morning.' };
  assert.deepEqual(shown(play([text, ...ANSWER])), [['assistant', 'Good morning.', 'streaming']]);
  assert.deepEqual(shown(play([created('r1'), text])), [['assistant', 'Good morning.', 'streaming']]);
});

test('a typed message shows at once and its echo adds nothing', () => {
  const item = { id: 'item_7', type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] };
  const state = play([
    { type: 'conversation.item.create', item },
    { type: 'conversation.item.added', item: { ...item, status: 'completed' } },
    { type: 'conversation.item.done', item: { ...item, status: 'completed' } },
  ]);
  assert.deepEqual(shown(state), [['user', 'Hi', 'done']]);
});

test('a turn in which nothing was understood says so', () => {
  assert.deepEqual(shown(play([started('u1'), stopped('u1'), written('u1', ' ')])), [['user', '', 'failed']]);
});

test('a failed response shows its error and leaves the page listening', () => {
  const error = { type: 'server_error', message: 'The model did not answer' };
  const state = play([created('r1'), done('r1', 'failed', { type: 'failed', error })]);
  assert.equal(state.error.message, 'The model did not answer');
  assert.equal(state.phase, 'listening');
});

test('function calls, system items and unknown events change no message', () => {
  const before = play(ANSWER);
  const after = play(
    [
      { type: 'conversation.item.added', item: { id: 'f', type: 'function_call', name: 'x' } },
      { type: 'conversation.item.added', item: { id: 's', type: 'message', role: 'system', content: [] } },
      { type: 'response.output_item.added', response_id: 'r1', item: { id: 'f', type: 'function_call' } },
      { type: 'rate_limits.updated', rate_limits: [] },
      { type: 'response.output_image.delta', delta: 'AAAA' },
    ],
    before,
  );
  assert.deepEqual(after, before);
});

test('a new call begins with what was said, and what was under way was interrupted', () => {
  const state = restarted(play([...SPOKEN_TURN, started('u2'), ...ANSWER]));
  assert.deepEqual(shown(state), [
    ['user', 'Hello, there.', 'done'],
    ['assistant', 'Good morning.', 'interrupted'],
  ]);
  assert.equal(state.phase, 'listening');
});

test('history is re-created without anything that would be spoken', () => {
  assert.deepEqual(history(play([...SPOKEN_TURN, ...ANSWER, started('u3')])), [
    {
      type: 'conversation.item.create',
      item: { id: 'u1', type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello, there.' }] },
    },
    {
      type: 'conversation.item.create',
      item: { id: 'a1', type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Good morning.' }] },
    },
  ]);
});

test('replayed history echoed by the server leaves the messages as they are', () => {
  const before = restarted(play([...SPOKEN_TURN, ...ANSWER, done('r1', 'cancelled')]));
  const echoes = history(before).map(({ item }) => ({ type: 'conversation.item.added', item }));
  assert.deepEqual(play([...history(before), ...echoes], before).messages, before.messages);
});

test('the caption is the end of what is being said, by whole sentences', () => {
  const long = 'This is the first sentence, and it is rather long as sentences go. And this is the second. Third';
  const state = play([created('r1'), says('r1', 'a1', long)]);
  assert.equal(captionOf(state, 40), 'And this is the second. Third');
  assert.equal(captionOf(play(SPOKEN_TURN)), '');
  assert.equal(captionOf(play([done('r1')], state)), '');
});

test('a caption without a full stop loses its beginning, at a word', () => {
  const state = play([created('r1'), says('r1', 'a1', 'one two three four five six')]);
  assert.equal(captionOf(state, 12), '…five six');
});

test('what the session became is what the server says', () => {
  const state = play([
    { type: 'session.created', session: { id: 's', face: 'face1' } },
    { type: 'error', error: { message: 'no such face', param: 'session.face' } },
  ]);
  assert.equal(state.session.face, 'face1');
  assert.equal(state.error.param, 'session.face');
  assert.equal(play([{ type: 'session.updated', session: { id: 's', face: 'face2' } }], state).error, null);
});
