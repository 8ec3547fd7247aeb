/** The page: what a press or an event leads to. Everything else is in the modules it joins. */

import { keepKey, readAddress } from './address.js';
import { Api } from './api.js';
import { Call } from './call.js';
import { Choices } from './choices.js';
import { captionOf, emptyConversation, history, reduce, restarted } from './conversation.js';
import { byId } from './dom.js';
import { Ear } from './ear.js';
import { EventsView } from './events-view.js';
import { FiguresView } from './figures-view.js';
import { KeyDialog } from './key-dialog.js';
import { TurnTimer } from './latency.js';
import { EventLog } from './log.js';
import { MessagesView } from './messages-view.js';
import { Microphone } from './microphone.js';
import { NoticeView } from './notice-view.js';
import { SoundPanel } from './sound-panel.js';
import { StageView } from './stage-view.js';
import { read } from './stats.js';
import { statusOf } from './status.js';
import { CallError, explain } from './words.js';

const STATS_EVERY_MS = 1000;
/** Answers to what the page sent a moment too late; the person has nothing to do about them. */
const HARMLESS = new Set(['response_cancel_not_active', 'item_retrieve_invalid_item_id']);

class App {
  #address = readAddress(window);
  #api = new Api({ key: this.#address.key });
  #log = new EventLog();
  #timer = new TurnTimer();
  #ear = new Ear();
  #microphone = new Microphone(this.#ear);
  #stage = new StageView();
  #notice = new NoticeView();
  #messages = new MessagesView();
  #figures = new FiguresView();
  #events = new EventsView(this.#log);
  #sound = new SoundPanel();
  #keyDialog = new KeyDialog();
  #choices = new Choices({ api: this.#api, stage: this.#stage, wishes: this.#address.wishes });

  #conversation = emptyConversation();
  /** @type {Call|null} */
  #call = null;
  /** @type {Promise<Call>|null} */
  #connecting = null;
  /** @type {MediaStream|null} */
  #stream = null;
  #asking = false;
  /** @type {import('./stats.js').Reading|null} */
  #reading = null;
  #stopListening = () => {};

  start() {
    this.#wireButtons();
    this.#wireKeys();
    this.#wireParts();
    setInterval(() => this.#readStats(), STATS_EVERY_MS);
    window.addEventListener('pagehide', () => this.#hangUp());
    this.#figures.showFigures(null);
    this.#choices.offer();
    // The face is alive before anything is pressed; nothing is asked for until Talk.
    this.#connect();
  }

  // The call

  /** Be in a call: the running one, or a new one that knows what was said so far.
   * @returns {Promise<Call|null>} null if it failed, which the person has been told */
  async #connect() {
    if (this.#call?.isOpen) return this.#call;
    this.#connecting ??= this.#newCall().finally(() => {
      this.#connecting = null;
    });
    try {
      return await this.#connecting;
    } catch (error) {
      console.warn('rtav: no call:', error.message);
      return null;
    }
  }

  async #newCall() {
    const call = new Call(this.#api);
    this.#call = call;
    this.#conversation = restarted(this.#conversation);
    const onlyNow = (act) => ({ detail }) => this.#call === call && act(detail);
    call.addEventListener('state', onlyNow((detail) => this.#callChanged(detail)));
    call.addEventListener('received', onlyNow((event) => this.#received(event)));
    call.addEventListener('sent', onlyNow((event) => this.#record('out', event)));
    call.addEventListener('stream', onlyNow((stream) => this.#streamCame(stream)));
    await call.connect(this.#choices.session);
    this.#notice.hide();
    this.#resume(call);
    await call.setMicrophone(this.#microphone.track);
    return call;
  }

  /** Tell a new session what was said before, without having it answer. */
  #resume(call) {
    const items = history(this.#conversation);
    if (!items.length) return;
    call.send({ type: 'session.update', session: { auto_response: false } });
    for (const item of items) call.send(item);
    call.send({ type: 'session.update', session: { auto_response: true } });
  }

  #callChanged({ state, error }) {
    if (state === 'over') {
      this.#stopListening();
      this.#stream = null;
      this.#stage.attach(null);
      this.#conversation = restarted(this.#conversation);
      if (error) this.#failed(error);
    }
    this.#show();
  }

  #hangUp() {
    this.#microphone.release();
    return this.#call?.hangUp();
  }

  async #startOver() {
    await this.#call?.hangUp();
    this.#conversation = emptyConversation();
    this.#show();
    await this.#connect();
  }

  #failed(error) {
    const words = explain(error);
    if (words.remedy === 'key') this.#keyDialog.ask(words, this.#api.key !== '');
    else this.#notice.show(words, () => this.#connect());
  }

  // What is said

  async #talk() {
    if (this.#asking) return;
    this.#wake();
    const isOff = this.#microphone.state === 'off';
    if (!isOff && this.#call?.isOpen) {
      this.#microphone.toggle();
      return;
    }
    this.#asking = isOff;
    this.#show();
    const [call] = await Promise.all([this.#connect(), isOff && this.#openMicrophone()]);
    this.#asking = false;
    await call?.setMicrophone(this.#microphone.track);
    this.#show();
  }

  async #openMicrophone() {
    try {
      await this.#microphone.open(this.#sound.microphone);
      await this.#sound.refresh();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #changeMicrophone() {
    if (this.#microphone.state === 'off') return;
    await this.#openMicrophone();
    await this.#call?.setMicrophone(this.#microphone.track);
  }

  async #changeSpeaker(deviceId) {
    try {
      await this.#stage.playOn(deviceId);
    } catch (error) {
      this.#failed(new CallError('speaker-refused', error.message));
    }
  }

  /** @returns {Promise<boolean>} whether it was sent */
  async #say(text) {
    const [call] = await Promise.all([this.#connect(), this.#wake()]);
    if (!call) return false;
    const id = `item_${crypto.getRandomValues(new Uint32Array(2)).join('')}`;
    const content = [{ type: 'input_text', text }];
    call.send({ type: 'conversation.item.create', item: { id, type: 'message', role: 'user', content } });
    if (this.#ear.isAwake) this.#timer.typed(this.#ear.now);
    return true;
  }

  #stopAnswer() {
    if (!this.#isAnswering) return;
    this.#call?.send({ type: 'response.cancel' });
    this.#call?.send({ type: 'output_audio_buffer.clear' });
  }

  get #isAnswering() {
    const { playing, phase } = this.#conversation;
    return Boolean(this.#call?.isOpen) && (playing || phase === 'speaking');
  }

  /** Browsers allow sound from the first press on. */
  async #wake() {
    this.#stage.playVoice();
    const wasAwake = this.#ear.isAwake;
    await this.#ear.wake();
    if (!wasAwake && this.#stream) this.#listenToReply(this.#stream);
  }

  #streamCame(stream) {
    this.#stage.attach(stream);
    this.#stream = stream;
    if (this.#ear.isAwake) this.#listenToReply(stream);
  }

  #listenToReply(stream) {
    this.#stopListening();
    this.#stopListening = this.#ear.listen(stream, (block) => {
      if (this.#timer.reply(block)) this.#figures.showWaits(this.#timer.waits);
    });
  }

  // Events

  /** @param {'in'|'out'} direction @param {Record<string, any>} event */
  #record(direction, event) {
    this.#log.add(direction, event, new Date());
    this.#events.changed();
    this.#conversation = reduce(this.#conversation, event);
    this.#show();
  }

  #received(event) {
    this.#record('in', event);
    this.#reactions[event.type]?.(event);
  }

  /** What an event leads to besides what is shown of the conversation.
   * @type {Record<string, (event: any) => void>} */
  #reactions = {
    'input_audio_buffer.speech_started': () => this.#timer.speechStarted(),
    'input_audio_buffer.speech_stopped': () => this.#timer.speechStopped(),
    // The item then says what was heard of a reply that was cut off.
    'conversation.item.truncated': ({ item_id }) =>
      this.#call?.send({ type: 'conversation.item.retrieve', item_id }),
    'session.created': ({ session }) => this.#choices.show(session),
    'session.updated': ({ session }) => this.#choices.show(session),
    'response.done': ({ response }) => {
      if (response.status === 'failed') this.#complain('The answer failed', this.#conversation.error);
    },
    error: ({ error }) => {
      if (HARMLESS.has(error.code)) return;
      this.#complain('The server says', error);
      this.#choices.show(this.#conversation.session ?? {});
    },
  };

  #complain(title, { message }) {
    this.#notice.show({ title, text: message, remedy: null }, () => {});
  }

  #show() {
    const microphone = this.#microphone.state;
    const call = this.#call?.state ?? 'new';
    const { phase, messages } = this.#conversation;
    this.#stage.showStatus(statusOf({ call, phase, microphone }));
    this.#stage.showButtons({
      microphone,
      asking: this.#asking,
      inCall: call !== 'new' && call !== 'over',
      answering: this.#isAnswering,
    });
    this.#stage.askForSound(this.#conversation.playing);
    this.#stage.showCaption(captionOf(this.#conversation));
    this.#messages.show(messages);
    byId('start-over').disabled = messages.length === 0;
  }

  async #readStats() {
    const report = await this.#call?.stats();
    this.#reading = report ? read(report.values(), this.#reading) : null;
    this.#figures.showFigures(this.#reading?.figures ?? null);
    this.#stage.refreshBackdrop();
  }

  // Wiring

  #wireButtons() {
    byId('talk').addEventListener('click', () => this.#talk());
    byId('stop').addEventListener('click', () => this.#stopAnswer());
    byId('hang-up').addEventListener('click', () => this.#hangUp());
    byId('start-over').addEventListener('click', () => this.#startOver());
    byId('composer').addEventListener('submit', async (press) => {
      press.preventDefault();
      const field = byId('say');
      const text = field.value.trim();
      if (text && (await this.#say(text)) && field.value.trim() === text) field.value = '';
    });
  }

  #wireKeys() {
    document.addEventListener('keydown', (press) => {
      if (press.defaultPrevented || this.#keyDialog.isOpen) return;
      if (press.key === 'Escape') this.#stopAnswer();
      if (press.key === ' ' && !press.repeat && !isControl(press.target)) {
        press.preventDefault();
        this.#talk();
      }
    });
  }

  #wireParts() {
    this.#microphone.addEventListener('change', () => this.#show());
    this.#microphone.addEventListener('block', ({ detail }) => {
      this.#timer.microphone(detail);
      this.#stage.showLevel(detail.level);
    });
    this.#microphone.addEventListener('lost', ({ detail }) => this.#failed(detail));
    this.#sound.addEventListener('microphone', () => this.#changeMicrophone());
    this.#sound.addEventListener('speaker', ({ detail }) => this.#changeSpeaker(detail));
    this.#choices.addEventListener('wish', ({ detail }) =>
      this.#call?.send({ type: 'session.update', session: detail }),
    );
    this.#keyDialog.addEventListener('key', ({ detail }) => {
      keepKey(window.sessionStorage, detail);
      this.#api.key = detail;
      this.#connect();
    });
  }
}

/** Space belongs to fields, buttons and lists that have the focus. */
function isControl(target) {
  return target.closest('input, textarea, select, button, summary, a, [tabindex]') !== null;
}

new App().start();
