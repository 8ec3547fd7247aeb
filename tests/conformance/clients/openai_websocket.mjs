// OpenAI's own client for Node, by WebSocket, which it opens by TLS only.
//
// Arguments: the server's https address and its key. Prints what happened as JSON.
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';

const [address, apiKey] = process.argv.slice(2);
const events = [];
const errors = [];
const client = new OpenAI({ apiKey, baseURL: `${address}/v1` });
const realtime = await OpenAIRealtimeWS.create(client, { model: 'gpt-realtime' });

function next(type) {
  return new Promise(resolve => realtime.once(type, resolve));
}

realtime.on('event', event => events.push(event));
realtime.on('error', error => errors.push(error.message));
await next('session.created');
realtime.send({
  type: 'session.update',
  session: { type: 'realtime', output_modalities: ['text'], instructions: 'Be brief.' },
});
await next('session.updated');
const content = [{ type: 'input_text', text: 'Good morning.' }];
realtime.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } });
realtime.send({ type: 'response.create' });
await next('response.done');
realtime.send({ type: 'response.create', response: { output_modalities: ['audio'] } });
await next('response.done');
realtime.close();
console.log(JSON.stringify({ events, errors }));
