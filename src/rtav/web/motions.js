/** What the picked motions mean on the wire: the last entry of `driving` loops, all others play once. */

/** The motion a face rests in. */
export const REST = 'default';

/**
 * @param {string[]} names in playing order
 * @param {boolean} loop keep the last one, instead of coming back to rest
 * @returns {string|string[]}
 */
export function drivingFor(names, loop) {
  if (!names.length) return REST;
  const sequence = loop || names.at(-1) === REST ? names : [...names, REST];
  return sequence.length === 1 ? sequence[0] : sequence;
}
