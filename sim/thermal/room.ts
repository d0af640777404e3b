/**
 * Heat between hosts of a room. Idea: part of each host's warm air comes back to the inlets of others,
 * in proportion to its power; and work is best moved from the hottest host to the coldest.
 *
 *   inlet_i = supply + Σ_j D_ij P_j          D: recirculation, K/W, measured or from air-flow models
 *
 * Form after Tang, Gupta & Varsamopoulos, *IEEE TPDS* 19(11), 2008. Validity: constant air flow.
 */

/**
 * Inlet temperature of each host, °C, into `inletC`.
 *
 * @param recirculationKPerW [hosts × hosts], row-major: row the host warmed, column the host that warms.
 * @param powerW [hosts]
 * @param inletC [hosts], written.
 */
export function writeInletC(
  supplyC: number,
  recirculationKPerW: Float64Array,
  powerW: Float64Array,
  inletC: Float64Array,
): void {
  const hosts = powerW.length;
  for (let host = 0; host < hosts; host++) {
    let risenK = 0;
    for (let other = 0; other < hosts; other++) {
      risenK += recirculationKPerW[host * hosts + other]! * powerW[other]!;
    }
    inletC[host] = supplyC + risenK;
  }
}

/** The hottest and the coldest of the hosts that count, ties to the lower index; -1 if none does. */
export interface HotAndCold {
  readonly hottest: number;
  readonly coldest: number;
  /** Difference of their temperatures, K. */
  readonly spreadK: number;
}

/** Hottest and coldest host among those for which `counts` is not 0 (all by default). */
export function hotAndCold(temperatureC: Float64Array, counts?: ArrayLike<number>): HotAndCold {
  let [hottest, coldest] = [-1, -1];
  for (let host = 0; host < temperatureC.length; host++) {
    if (counts !== undefined && counts[host] === 0) continue;
    if (hottest < 0 || temperatureC[host]! > temperatureC[hottest]!) hottest = host;
    if (coldest < 0 || temperatureC[host]! < temperatureC[coldest]!) coldest = host;
  }
  const spreadK = hottest < 0 ? 0 : temperatureC[hottest]! - temperatureC[coldest]!;
  return { hottest, coldest, spreadK };
}
