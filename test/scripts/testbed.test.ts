/** `wattwin testbed` as far as it changes nothing: its words, its table, what it refuses. */
import { describe, expect, it } from 'vitest';
import type { TestbedStatus } from '../../deploy/testbed/index.ts';
import { statusTable } from '../../scripts/testbed/status-table.ts';
import { directoryWith } from '../traces/temporary-directory.ts';
import { wattwin } from './command-line.ts';

/** No testbed of anyone. */
const nobody = 'test-nobody';

const status: TestbedStatus = {
  name: 'x',
  directory: '/run/wattwin/testbed/x',
  sshConfig: '/run/wattwin/testbed/x/ssh_config',
  clusterFile: '/run/wattwin/testbed/x/cluster.yaml',
  hosts: [
    {
      name: 'h1',
      address: '10.77.0.11',
      state: 'up',
      governor: 'performance',
      mhz: 3200,
      powerW: 41.26,
    },
    { name: 'h2', address: '10.77.0.12', state: 'down' },
    { name: 'h3', address: '10.77.0.13', state: 'cut', governor: 'powersave', mhz: 800, powerW: 5 },
  ],
  vms: [
    {
      name: 'vm1',
      address: '10.77.0.101',
      hosts: [
        { name: 'h1', state: 'running' },
        { name: 'h3', state: 'paused' },
      ],
      hasRedis: true,
    },
    { name: 'vm2', address: '10.77.0.102', hosts: [], hasRedis: false },
  ],
};

it('the table has a line for every host and VM', () => {
  expect(statusTable(status).split('\n')).toEqual([
    'HOST  STATE  ADDRESS     GOVERNOR     MHZ   W',
    'h1    up     10.77.0.11  performance  3200  41.3',
    'h2    DOWN   10.77.0.12  -            -     -',
    'h3    cut    10.77.0.13  powersave    800   5.0',
    '',
    'VM   STATE            ADDRESS      HOST',
    'vm1  running, paused  10.77.0.101  h1, h3  redis',
    'vm2  -                10.77.0.102  -',
    '',
    'ssh configuration  /run/wattwin/testbed/x/ssh_config',
    'cluster file       /run/wattwin/testbed/x/cluster.yaml',
    '',
  ]);
  const { clusterFile: _, ...unfinished } = status;
  expect(statusTable({ ...unfinished, vms: [] }).split('\n')).toHaveLength(7);
});

describe('bad input ends with 2 before anything is looked at', () => {
  it.each([
    [['up', '--name', '../x'], '--name: expected 1 to 12 of a-z, 0-9 and -, not first -, got ../x'],
    [['up', '--hosts', '65'], '--hosts: expected a whole number from 1 to 64, got 65'],
    [['up', '--hosts', '0'], "argument '0' is invalid"],
    [['up', '--vms', '2', '--redis', '3'], '--redis: expected a whole number from 0 to 2, got 3'],
    [['up', '--disk', 'tape'], "argument 'tape' is invalid"],
    [['up', '--hardware', '/nonexistent'], '/nonexistent: expected a JSON file that can be read'],
    [['up', 'h1'], 'too many arguments'],
    [['down', '--name', 'A'], '--name: expected'],
    [['status', '--name', ''], '--name: expected'],
    [['kill'], "missing required argument 'host'"],
    [['exec'], "missing required argument 'command'"],
    [['reboot', 'h1'], 'reboot'],
  ])('%j', async (args, message) => {
    const { code, stderr, stdout } = await wattwin('testbed', ...args);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.each([
    ['no JSON', '{', 'expected a JSON file that can be read'],
    ['no object', '[]', 'expected a JSON object, got []'],
    ['an unknown key', '{"speed": 1}', '--hardware: expected a hardware configuration'],
    ['a wrong value', '{"share": 2}', 'share: expected a number from 0.01 to 1, got 2'],
  ])('hardware that is %s', async (_, text, message) => {
    const directory = directoryWith({ 'hardware.json': text });
    const { code, stderr } = await wattwin(
      ...['testbed', 'up', '--hardware', `${directory}/hardware.json`],
    );
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
  });
});

const isRoot = process.getuid?.() === 0;

describe('without a testbed', () => {
  it.each([
    ['status'],
    ['status', '--json'],
    ['kill', 'h1'],
    ['start', 'h1'],
    ['cut', 'h1'],
    ['join', 'h1'],
    ['ssh', 'h1', 'ls', '--help'],
    ['exec', 'ls', '--help'],
  ])('%s says that there is none', async (verb, ...rest) => {
    const { code, stdout, stderr } = await wattwin('testbed', verb, '--name', nobody, ...rest);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      isRoot
        ? `There is no testbed "${nobody}": \`wattwin testbed up --name ${nobody}\` makes one\n`
        : "A testbed takes root's rights: run this with sudo\n",
    );
  });
});
