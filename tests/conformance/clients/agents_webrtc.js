// OpenAI's agents SDK in a page, by WebRTC: its default transport, with a video line added.
//
// Runs beside the bundle that the SDK's authors publish. Nothing of it is changed but the address
// and the key.
const { OpenAIRealtimeWebRTC, RealtimeAgent, RealtimeSession, tool } = window.OpenAIAgentsRealtime;

window.seen = { events: [], errors: [], cities: [], history: [] };

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
    window.seen.cities.push(city);
    return 'sunny';
  },
});

window.talk = async (address, key) => {
  const transport = new OpenAIRealtimeWebRTC({
    baseUrl: `${address}/v1/realtime/calls`,
    audioElement: document.getElementById('remoteVideo'),
    changePeerConnection: connection => {
      connection.addTransceiver('video', { direction: 'recvonly' });
      window.connection = connection;
      return connection;
    },
  });
  const agent = new RealtimeAgent({ name: 'A', instructions: 'Be brief.', tools: [weather] });
  const session = new RealtimeSession(agent, { model: 'gpt-realtime', transport });
  const { seen } = window;
  session.on('transport_event', event => seen.events.push(event));
  session.on('error', ({ error }) => seen.errors.push(error.message ?? JSON.stringify(error)));
  session.on('history_updated', history => { seen.history = history; });
  await session.connect({ apiKey: key });
  window.session = session;
  return transport.callId;
};

window.received = async kind => {
  const entries = [...(await window.connection.getStats()).values()];
  return entries.find(entry => entry.type === 'inbound-rtp' && entry.kind === kind);
};
