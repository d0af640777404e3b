/** uPlot under the address from which the page loads it (`../assets.ts`); browsers know no packages. */
export { default } from 'uplot';
