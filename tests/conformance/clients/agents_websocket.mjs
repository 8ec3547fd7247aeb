// OpenAI's agents SDK in Node, by WebSocket: speaks, listens, calls a tool and interrupts.
//
// Arguments: the server's address, its key, a file of PCM (16 bit, 24 kHz) to say. Prints what
// happened as JSON. Nothing of the SDK is changed but the address and the key.
import { readFileSync } from 'node:fs';
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from '@openai/agents-realtime';

const [address, key, speech] = process.argv.slice(2);
const events = [];
const errors = [];
const cities = [];
let audioBytes = 0;
let interruptions = 0;

const weather = tool({
  name: 'get_weather',
  description: 'The weather in a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  execute: async ({ city }) => {
    cities.push(city);
    return 'sunny';
  },
});
const agent = new RealtimeAgent({ name: 'A', instructions: 'Be brief.', tools: [weather] });
const url = `${address.replace('http', 'ws')}/v1/realtime?model=gpt-realtime`;
const session = new RealtimeSession(agent, {
  model: 'gpt-realtime',
  transport: new OpenAIRealtimeWebSocket({ url }),
});
session.on('transport_event', event => events.push(event));
session.on('error', ({ error }) => errors.push(error.message ?? JSON.stringify(error)));
session.on('audio', ({ data }) => (audioBytes += data.byteLength));
session.on('audio_interrupted', () => (interruptions += 1));

const count = type => events.filter(event => event.type === type).length;

async function until(what, isTrue) {
  for (const end = Date.now() + 20_000; !isTrue(); ) {
    if (Date.now() > end) throw new Error(`no ${what}; came ${events.map(event => event.type)}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

async function answers(act) {
  const before = count('response.done');
  act();
  await until('answer', () => count('response.done') > before);
}

await session.connect({ apiKey: key });
await answers(() => session.sendMessage('Good morning.'));
const before = count('response.done');
session.sendMessage('What is the weather in Oslo?');
await until('answer after the tool', () => count('response.done') >= before + 2);
const words = readFileSync(speech);
const bytes = words.buffer.slice(words.byteOffset, words.byteOffset + words.byteLength);
await answers(() => session.sendAudio(bytes));
await until('item with its words', () => count('conversation.item.retrieved') > 0);
const heard = audioBytes;
session.sendMessage('Please count.');
await until('counting', () => audioBytes > heard);
session.interrupt();
await until('cut', () => count('conversation.item.truncated') > 0);
session.close();
console.log(JSON.stringify({
  events, errors, cities, audioBytes, interruptions, history: session.history,
}));
