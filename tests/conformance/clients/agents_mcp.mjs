// OpenAI's agents SDK in Node with a hosted MCP tool: the server calls it, once it is approved.
//
// Arguments: the server's address, its key, the URL of the tools. Prints what happened as JSON.
import { hostedMcpTool } from '@openai/agents-core';
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } from '@openai/agents-realtime';

const [address, key, serverUrl] = process.argv.slice(2);
const events = [];
const errors = [];
const approvals = [];
const outputs = [];

const agent = new RealtimeAgent({
  name: 'A',
  instructions: 'Be brief.',
  tools: [
    hostedMcpTool({
      serverLabel: 'weather',
      serverUrl,
      headers: { Authorization: 'Bearer hush' }, // the SDK keeps `authorization` to itself
      allowedTools: ['get_weather'],
      requireApproval: 'always',
    }),
  ],
});
const url = `${address.replace('http', 'ws')}/v1/realtime?model=gpt-realtime`;
const session = new RealtimeSession(agent, {
  model: 'gpt-realtime',
  transport: new OpenAIRealtimeWebSocket({ url }),
});
session.on('transport_event', event => events.push(event));
session.on('error', ({ error }) => errors.push(error.message ?? JSON.stringify(error)));
session.on('mcp_tool_call_completed', (_context, _agent, call) => outputs.push(call.output));
session.on('tool_approval_requested', (_context, _agent, request) => {
  approvals.push(request.approvalItem.rawItem.name);
  session.approve(request.approvalItem);
});

async function until(what, isTrue) {
  for (const end = Date.now() + 20_000; !isTrue(); ) {
    if (Date.now() > end) throw new Error(`no ${what}; came ${JSON.stringify(events.slice(-9))}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

const said = () =>
  events
    .filter(event => event.type === 'response.output_audio_transcript.done')
    .map(event => event.transcript);

await session.connect({ apiKey: key });
await until('tools', () => session.availableMcpTools.length > 0);
session.sendMessage('What is the weather in Oslo?');
await until('answer after the tool', () => said().length > 0);
session.close();
console.log(JSON.stringify({
  events, errors, approvals, outputs, said: said(),
  tools: session.availableMcpTools.map(tool => tool.name),
}));
