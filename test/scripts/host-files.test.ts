/** Scenarios whose hosts lie in a file of their own. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadEpisode, readEpisode } from '../../scripts/episode.ts';
import { withHostFiles } from '../../scripts/host-files.ts';
import { directoryWith } from '../traces/temporary-directory.ts';

const fitted = `# made by a calibration
hosts:
  - name: node
    count: 3
    cores: 4
    memory: 8 GiB
    pstates: [{ speed: 2 GHz, idle: 30 W, full: 90 W }]
`;
const rest = 'name: t\nworkload: { type: synthetic, vms: 2, steps: 2 }\n';

describe('hosts from a file', () => {
  it.each([
    ['in place of the list', 'hosts: hosts.yaml\n', ['node-0', 'node-1', 'node-2']],
    [
      'in the list, in its order',
      'hosts: [{ name: old, model: hp-ml110-g4 }, hosts.yaml]\n',
      ['old', 'node-0', 'node-1', 'node-2'],
    ],
  ])('%s', (_, hosts, names) => {
    const directory = directoryWith({ 's.yaml': `${rest}${hosts}`, 'hosts.yaml': fitted });
    const { model } = loadEpisode(readEpisode(join(directory, 's.yaml')));
    expect(model.hostNames).toEqual(names);
  });

  it('leaves a scenario without such a file as it is', () => {
    const text = `${rest}hosts: [{ model: hp-ml110-g4 }] # plain\n`;
    expect(withHostFiles(text, '/nowhere')).toBe(text);
  });

  it.each([
    ['none.yaml', 'a readable file of hosts', 'ENOENT'],
    ['broken.yaml', 'broken.yaml:2: expected valid YAML', 'Flow map'],
    ['empty.yaml', 'empty.yaml: hosts: expected a list of hosts', 'undefined'],
  ])('refuses %s, naming it', (name, expected, got) => {
    const directory = directoryWith({
      's.yaml': `${rest}hosts: ${name}\n`,
      'broken.yaml': 'hosts:\n  - { name: a',
      'empty.yaml': 'name: x\n',
    });
    const read = () => readEpisode(join(directory, 's.yaml'));
    expect(read).toThrow(expected);
    expect(read).toThrow(got);
  });
});
