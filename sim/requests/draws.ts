/**
 * Random numbers of one request, drawn from its own seed: number `index` of seed `s` is the same
 * whenever and in whatever order it is drawn. So a request has the same work, operation and calls
 * in every fork, whatever a policy did to the requests before it (common random numbers).
 *
 * The numbers are those of splitmix32 started at the seed (Steele, Lea & Flood, OOPSLA 2014, with
 * 32-bit constants).
 */

/**
 * Draw indices by purpose. A demand and a think time may take several draws; from `children` on, even
 * steps decide how often an edge is called, odd ones are seeds of the calls made.
 */
export const drawAt = {
  operation: 0,
  miss: 1,
  replica: 2,
  next: 3,
  demand: 8,
  think: 512,
  children: 1024,
} as const;

/** Draw `index` of `seed` as 32 bits. */
export function drawWord(seed: number, index: number): number {
  let mixed = (seed + Math.imul(index + 1, 0x9e3779b9)) | 0;
  mixed ^= mixed >>> 16;
  mixed = Math.imul(mixed, 0x21f0aaad);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** Draw `index` of `seed`, uniform in (0, 1), never 0 and never 1. */
export function drawFloat(seed: number, index: number): number {
  return (drawWord(seed, index) + 0.5) / 0x100000000;
}
