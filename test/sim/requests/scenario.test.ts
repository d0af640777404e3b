/** Applications in scenario files: what they become, and what is said of those that cannot be used. */
import { expect, it } from 'vitest';
import {
  advance,
  createWorkload,
  InputError,
  modelOf,
  parseScenario,
  sharedUint16,
  summarize,
  Twin,
  TwinView,
} from '../../../sim/index.ts';

const none = createWorkload('none', 1000, [], sharedUint16(0));

const scenario = (applications: string): string => `
name: test
hosts: [{ model: grid5000-stremi, vms: [shop/web-0] }]
workload: { type: none }
duration: 10 s
applications:
${applications}`;

const web = `{ name: web, vm: { speed: 1 GHz, memory: 1 GiB }, demand: { mean: 4 ms } }`;

function modelFrom(applications: string) {
  return modelOf(parseScenario(scenario(applications), 's.yaml'), none, 's.yaml');
}

function complaints(applications: string): string[] {
  try {
    modelFrom(applications);
  } catch (error) {
    if (error instanceof InputError) return error.message.split('\n');
    throw error;
  }
  return [];
}

it('replicas become VMs with names, demand becomes work at nominal speed', () => {
  const model = modelFrom(`
  - name: shop
    arrivals: { rate: 100 }
    services:
      - ${web}
      - name: db
        replicas: 2
        vm: { vcpus: 2, speed: 2 GHz, memory: 1 GiB }
        demand: { type: constant, mean: 3 ms }`);
  expect(model.workload.vmNames).toEqual(['shop/web-0', 'shop/db-0', 'shop/db-1']);
  expect([...model.requests.distributions.parameters]).toEqual([4, 0, 0, 6, 0, 0]);
  expect([...model.vmInitialHost]).toEqual([0, model.limbo, model.limbo]);
});

it('what a VM asked for over the last interval is what policies see', () => {
  const model = modelFrom(
    `  - { name: shop, arrivals: { type: regular, rate: 100 }, services: [{ name: web, vm: { speed: 1 GHz, memory: 1 GiB }, demand: { type: constant, mean: 4 ms } }] }`,
  );
  const twin = Twin.create(model, 1);
  expect(new TwinView(twin).demandMips(0)).toBe(1000);
  advance(twin, 2500);
  expect(new TwinView(twin).demandMips(0)).toBeCloseTo(400, 9);
});

it('J per request is the energy of all hosts over the requests completed', () => {
  const twin = Twin.create(
    modelFrom(`  - { name: shop, arrivals: { rate: 100 }, services: [${web}] }`),
    1,
  );
  advance(twin, 10_000);
  const { summary } = summarize(twin);
  const [shop] = summary.applications!;
  expect(summary.joulesPerRequest! * shop!.completed).toBeCloseTo(summary.energyKwh * 3.6e6, 6);
});

it.each([
  [
    `  - { name: shop, arrivals: { rate: 1 } }`,
    's.yaml: applications[0]: expected services or keyValue, got neither',
  ],
  [
    `  - { name: shop, arrivals: {}, services: [${web}] }`,
    's.yaml: applications[0].arrivals.rate: expected a value for type poisson, got nothing',
  ],
  [
    `  - { name: shop, arrivals: { rate: 1 }, services: [${web}, ${web}] }`,
    's.yaml: applications[0].services[0].name: expected a name used once, got "web" again',
  ],
  [
    `  - { name: shop, arrivals: { rate: 1 }, services: [${web}], operations: [{ name: a, service: wep }] }`,
    's.yaml: applications[0].operations[0].service: expected one of web, got "wep"',
  ],
  [
    `  - { name: shop, arrivals: { rate: 1 }, services: [{ name: web, vm: { speed: 1 GHz, memory: 1 GiB }, demand: { mean: 4 ms }, steps: [{ calls: [{ service: web }] }] }] }`,
    's.yaml: applications[0].services: expected services that do not call each other in a circle, got web',
  ],
  [
    `  - { name: shop, arrivals: { rate: 1 }, services: [{ name: web, vm: { speed: 1 GHz, memory: 1 GiB }, demand: { type: hyperexponential, mean: 4 ms, scv: 0.5 } }] }`,
    's.yaml: applications[0].services[0].demand.scv: expected at least 1, got 0.5',
  ],
  [
    `  - { name: shop, arrivals: { rate: 1 }, services: [{ name: web, vm: { speed: 1 GHz, memory: 1 GiB }, variants: [{ name: a, memory: 2 GiB, demand: { mean: 1 ms } }] }] }`,
    "s.yaml: applications[0].services[0].variants[0].memory: expected at most the VM's 1073741824 bytes, got 2147483648 bytes",
  ],
  [
    `  - { name: shop, arrivals: { rate: 1 }, services: [{ name: web, replicas: 2, active: 3, vm: { speed: 1 GHz, memory: 1 GiB }, demand: { mean: 1 ms } }] }`,
    's.yaml: applications[0].services[0].active: expected at most the 2 replicas, got 3',
  ],
  [
    `  - { name: shop, arrivals: { rate: many }, services: [${web}] }`,
    's.yaml: applications[0].arrivals.rate: expected number, got "many"',
  ],
  [
    `  - { name: shop, arrivals: { rate: 1 }, services: [${web}], latency: 3 }`,
    's.yaml: applications[0].latency: expected no such key, got 3',
  ],
  [
    `  - { name: shop, arrivals: { type: trace, rates: [1], every: 0 s }, services: [${web}] }`,
    's.yaml: applications[0].arrivals.every: expected a duration above 0, got 0 ms',
  ],
])('says what is wrong: %s', (applications, complaint) => {
  expect(complaints(applications)).toContain(complaint);
});

it('without a duration there is nothing to run', () => {
  const text = scenario(`  - { name: shop, arrivals: { rate: 1 }, services: [${web}] }`);
  const read = parseScenario(text.replace('duration: 10 s\n', ''), 's.yaml');
  expect(() => modelOf(read, none, 's.yaml')).toThrow('s.yaml: duration: expected a duration');
});
