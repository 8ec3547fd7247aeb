/**
 * A server inside the page, for looking at the page without one: `/v1` and the call's other end.
 *
 * Real are the peer connection, the tracks and the channel. Unrealistic: nothing is recognised,
 * thought or spoken; a test says with `fake.emit` what the server says.
 */
(() => {
  const fake = {
    /** Path endings that are refused: {'client_secrets': {status, message, headers}}. */
    refusals: {},
    /** Whether an unknown key is refused. */
    knownKey: 'rtav_ak_test',
    offers: [],
    received: [],
    hangUps: 0,
    connected: 0,
    peer: null,
    channel: null,
    faces: ['face1', 'face2'].map((id, index) => ({
      id,
      name: ['Mia', 'Leo'][index],
      type: 'standard',
      preview_url: portrait(index),
    })),
    voices: [
      { id: 'default', name: 'Default', language: 'en' },
      { id: 'alice', name: 'Alice', language: 'en' },
    ],
    driving: ['default', 'Wink', 'AgreeYesTotaly', 'SmileTeeth', 'IdleListeningEncouraging'].map((id) => ({ id, name: id })),
    backgrounds: [],
    session: { id: 'session_1', face: 'face1', voice: 'default', driving: 'default', instructions: 'You are a helpful assistant.' },
    emit(event) {
      fake.channel.send(JSON.stringify({ event_id: 'event_1', ...event }));
    },
    emitAll(events) {
      for (const event of events) fake.emit(event);
    },
    sent(type) {
      return fake.received.filter((event) => event.type === type);
    },
    hangUpFromServer() {
      fake.peer.close();
    },
  };
  window.fake = fake;

  const realFetch = window.fetch.bind(window);
  window.fetch = async (input, options = {}) => {
    const url = new URL(String(input), document.baseURI);
    if (!url.pathname.startsWith('/v1/')) return realFetch(input, options);
    const ending = url.pathname.split('/').pop();
    const refusal = fake.refusals[ending];
    if (refusal === 'unreachable') throw new TypeError('Failed to fetch');
    if (refusal) return refuse(refusal);
    return answer(ending, options);
  };

  async function answer(ending, options) {
    if (['faces', 'voices', 'driving', 'backgrounds'].includes(ending)) return Response.json({ [ending]: fake[ending] });
    if (ending === 'client_secrets') {
      if (options.headers?.Authorization !== `Bearer ${fake.knownKey}`) {
        return refuse({ status: 401, message: 'Invalid API key' });
      }
      return Response.json({ client_secret: 'rtav_sk_1', value: 'ek_1', expires_in: 600 });
    }
    if (ending === 'hangup') {
      fake.hangUps += 1;
      fake.pathAtHangUp = fake.peer.connectionState;
      return new Response('');
    }
    const offer = { sdp: options.body.get('sdp'), session: JSON.parse(options.body.get('session')) };
    fake.offers.push({ ...offer, authorization: options.headers.Authorization });
    const sdp = await answerOffer(offer.sdp);
    return new Response(sdp, { status: 201, headers: { Location: '/v1/realtime/calls/rtc_1' } });
  }

  function refuse({ status, message, headers }) {
    const error = { message, type: 'invalid_request_error', param: null, code: null };
    return Response.json({ error, detail: message }, { status, headers });
  }

  async function answerOffer(sdp) {
    const peer = new RTCPeerConnection();
    fake.peer = peer;
    peer.ondatachannel = ({ channel }) => {
      fake.channel = channel;
      channel.onmessage = ({ data }) => fake.received.push(JSON.parse(data));
      fake.connected += 1;
      fake.emit({ type: 'session.created', session: fake.session });
    };
    await peer.setRemoteDescription({ type: 'offer', sdp });
    const stream = faceAndVoice();
    for (const track of stream.getTracks()) peer.addTrack(track, stream);
    await peer.setLocalDescription(await peer.createAnswer());
    await gathered(peer);
    return peer.localDescription.sdp;
  }

  function gathered(peer) {
    return new Promise((resolve) => {
      const check = () => peer.iceGatheringState === 'complete' && resolve();
      peer.onicegatheringstatechange = check;
      check();
    });
  }

  function faceAndVoice() {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 512;
    const pen = canvas.getContext('2d');
    let frame = 0;
    setInterval(() => draw(pen, 0, (frame += 1)), 40);
    const audio = new AudioContext();
    const out = audio.createMediaStreamDestination();
    const tone = audio.createOscillator();
    fake.voice = audio.createGain();
    fake.voice.gain.value = 0;
    tone.connect(fake.voice).connect(out);
    tone.start();
    return new MediaStream([...canvas.captureStream(25).getTracks(), ...out.stream.getTracks()]);
  }

  function portrait(index) {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 256;
    const pen = canvas.getContext('2d');
    pen.scale(0.5, 0.5);
    draw(pen, index, 0);
    return canvas.toDataURL('image/jpeg');
  }

  /** A face in a few strokes; it blinks, and its mouth moves. */
  function draw(pen, index, frame) {
    const ground = pen.createRadialGradient(256, 200, 60, 256, 256, 380);
    ground.addColorStop(0, '#c5ccd3');
    ground.addColorStop(1, '#8e99a4');
    pen.fillStyle = ground;
    pen.fillRect(0, 0, 512, 512);
    const oval = (x, y, w, h, colour) => {
      pen.fillStyle = colour;
      pen.beginPath();
      pen.ellipse(x, y, w, h, 0, 0, 7);
      pen.fill();
    };
    oval(256, 250, 170, 205, index ? '#3c3a38' : '#5b2f22');
    oval(256, 560, 220, 120, index ? '#34506e' : '#1f8b8f');
    pen.fillStyle = '#e3b48f';
    pen.fillRect(206, 380, 100, 80);
    oval(256, 270, 128, 165, '#f0c8a4');
    pen.fillStyle = index ? '#3c3a38' : '#5b2f22';
    pen.fillRect(128, 90, 256, 70);
    const open = frame % 90 > 86 ? 3 : 17;
    for (const x of [204, 308]) {
      oval(x, 240, 28, open, '#fff');
      if (open > 3) oval(x, 240, 13, 13, '#2f6f6a');
    }
    oval(256, 360, 36, 8 + 6 * Math.abs(Math.sin(frame / 4)), '#9c4a44');
  }
})();
