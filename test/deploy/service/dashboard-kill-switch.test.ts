/** What the service knows of a cluster besides its journal. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../deploy/clock.ts';
import { stateAnswer } from '../../../deploy/service/api/answers.ts';
import { AttachedCluster } from '../../../deploy/service/attached-cluster.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wattwin-kill-switch-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

it('the kill switch is news when it is put there, and when it is taken away', () => {
  const path = join(directory, 'STOP');
  const cluster = new AttachedCluster(join(directory, 'journal'), systemClock, {
    name: 'lab',
    killSwitch: path,
  });
  expect(cluster.refresh()).toBe(false);
  expect(cluster.state()).toMatchObject({ cluster: 'lab', killSwitch: { isOn: false, path } });
  writeFileSync(path, '');
  expect([cluster.refresh(), cluster.refresh()]).toEqual([true, false]);
  expect(cluster.state()).toMatchObject({ killSwitch: { isOn: true, path } });
  expect(stateAnswer.safeParse(cluster.state()).success).toBe(true);
  rmSync(path);
  expect(cluster.refresh()).toBe(true);
  expect(cluster.state()).toMatchObject({ killSwitch: { isOn: false, path } });
});

it('nothing is said of a kill switch where the cluster file is not known', () => {
  const cluster = new AttachedCluster(join(directory, 'journal'), systemClock);
  expect(cluster.state()).not.toHaveProperty('killSwitch');
  expect(cluster.state()).not.toHaveProperty('cluster');
});
