/** Shows a `matte`: one video whose upper half has colours and whose lower half says how opaque
 * they are, laid over whatever is behind the canvas. */

const CORNERS = new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]);

const PLACE = `
attribute vec2 corner;
varying vec2 at;
void main() {
  at = vec2(corner.x + 1.0, 1.0 - corner.y) / 2.0;
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

// Colours come multiplied by alpha, as a canvas wants them. What a codec has smeared is cut off at
// both ends; half a point off the border, or each half would shine into the other.
const KEY = `
precision mediump float;
uniform sampler2D frame;
uniform float point;
varying vec2 at;
void main() {
  float row = clamp(at.y, point, 1.0 - point) / 2.0;
  float alpha = clamp(texture2D(frame, vec2(at.x, row + 0.5)).r * 1.06 - 0.03, 0.0, 1.0);
  gl_FragColor = vec4(min(texture2D(frame, vec2(at.x, row)).rgb, alpha), alpha);
}`;

/** Pictures are 1:1, 9:16 or 16:9; twice as high they are mattes.
 * @param {number} width @param {number} height */
export function isMatte(width, height) {
  return [1, 9 / 16, 16 / 9].some((shape) => Math.abs((2 * width) / height / shape - 1) < 0.05);
}

/** Draws every frame of a video into a canvas while they are mattes. */
export class MatteView {
  #video;
  #canvas;
  #isDrawing = false;
  #next = 0;
  /** @type {WebGLRenderingContext|null} */
  #gl = null;

  /** @param {HTMLVideoElement} video @param {HTMLCanvasElement} canvas */
  constructor(video, canvas) {
    this.#video = video;
    this.#canvas = canvas;
  }

  /** To be called when the picture's size may have changed.
   * @returns {boolean} whether it is a matte now, and drawn */
  follow() {
    const { videoWidth, videoHeight } = this.#video;
    const isOne = videoWidth > 0 && isMatte(videoWidth, videoHeight);
    if (isOne && !this.#isDrawing) {
      this.#gl ??= prepare(this.#canvas);
      this.#isDrawing = this.#gl !== null;
      if (this.#isDrawing) this.#draw();
    }
    if (!isOne && this.#isDrawing) {
      this.#isDrawing = false;
      this.#video.cancelVideoFrameCallback(this.#next);
    }
    return this.#isDrawing;
  }

  #draw() {
    const { videoWidth, videoHeight } = this.#video;
    const [gl, canvas] = [this.#gl, this.#canvas];
    if (videoWidth > 0 && isMatte(videoWidth, videoHeight)) {
      [canvas.width, canvas.height] = [videoWidth, videoHeight / 2];
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, gl.RGB, gl.UNSIGNED_BYTE, this.#video);
      gl.uniform1f(gl.getUniformLocation(gl.getParameter(gl.CURRENT_PROGRAM), 'point'), 1 / videoHeight);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
    this.#next = this.#video.requestVideoFrameCallback(() => this.#draw());
  }
}

/** @param {HTMLCanvasElement} canvas @returns {WebGLRenderingContext|null} null without WebGL */
function prepare(canvas) {
  const gl = canvas.getContext('webgl', { antialias: false });
  if (!gl) return null;
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, PLACE], [gl.FRAGMENT_SHADER, KEY]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, CORNERS, gl.STATIC_DRAW);
  gl.enableVertexAttribArray(gl.getAttribLocation(program, 'corner'));
  gl.vertexAttribPointer(gl.getAttribLocation(program, 'corner'), 2, gl.FLOAT, false, 0, 0);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const name of ['TEXTURE_WRAP_S', 'TEXTURE_WRAP_T']) {
    gl.texParameteri(gl.TEXTURE_2D, gl[name], gl.CLAMP_TO_EDGE);
  }
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  return gl;
}
