// Judges recorded conversations as OpenAI's agents SDK for JavaScript reads them.
//
// Each line of the input is a JSON array of server events, one connection's, in order; each line of
// the output is a JSON array of what was wrong with them. Every event must fit the zod schema that
// the SDK has for its type, and its transport must take the whole conversation without throwing:
// some of its own checks come after the schemas.
import { createInterface } from 'node:readline';
import { OpenAIRealtimeBase } from '@openai/agents-realtime';

const library = import.meta.resolve('@openai/agents-realtime');
const { realtimeServerEventSchema } = await import(new URL('openaiRealtimeEvents.mjs', library));

const schemas = new Map(
  realtimeServerEventSchema.options.map(schema => [schema.shape.type.value, schema]),
);

class Replay extends OpenAIRealtimeBase {
  status = 'connected';
  muted = null;
  connect() {}
  sendEvent() {}
  mute() {}
  close() {}
  interrupt() {}
  take(event) {
    this._onMessage({ data: JSON.stringify(event) });
  }
}

function misfits(event) {
  const schema = schemas.get(event.type);
  if (schema === undefined) return ['the SDK knows no such event'];
  const { error } = schema.safeParse(event);
  return (error?.issues ?? []).map(issue => `.${issue.path.join('.')}: ${issue.message}`);
}

function problems(events) {
  const replay = new Replay();
  replay.on('error', () => {}); // our own errors are answers to what a client sent
  return events.flatMap((event, index) => {
    const found = misfits(event);
    try {
      replay.take(event);
    } catch (thrown) {
      found.push(`the SDK throws ${thrown.message}`);
    }
    return found.map(problem => ({ index, type: event.type, problem }));
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(problems(JSON.parse(line))) + '\n');
}
