/** Questions and answers over a helper's standard input and output. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../deploy/clock.ts';
import { AgentClient } from '../../../deploy/testbed/guests/agent-client.ts';
import { carrierCommand, LineConnection } from '../../../deploy/testbed/guests/line-connection.ts';

const target = { netns: 'ww-x-ctl', address: '10.77.0.101', port: 7070, clock: systemClock };

/** A connection whose helper is a piece of JavaScript. */
function connection(script: string): LineConnection {
  const made = new LineConnection(target, [process.execPath, '-e', script]);
  onTestFinished(() => made.close());
  return made;
}

const echo = `require('node:readline').createInterface({ input: process.stdin })
  .on('line', (line) => console.log('<' + line + '>'));`;

describe('a connection', () => {
  it('starts its helper inside the network namespace', () => {
    expect(carrierCommand(target)).toEqual([
      ...['nsenter', '--net=/run/netns/ww-x-ctl'],
      ...['busybox', 'nc', '10.77.0.101', '7070'],
    ]);
  });

  it('gives answers in the order of the questions', async () => {
    const lines = connection(echo);
    const answers = ['a', 'b', 'c'].map((line) => lines.ask(line, 20_000));
    expect(await Promise.all(answers)).toEqual(['<a>', '<b>', '<c>']);
  });

  it('puts an answer together from pieces', async () => {
    const lines = connection(
      "process.stdout.write('he'); setTimeout(() => process.stdout.write('llo\\r\\n'), 50); setTimeout(() => {}, 9e4)",
    );
    expect(await lines.ask('x', 20_000)).toBe('hello');
  });

  it('fails with what the helper said when it ends', async () => {
    const lines = connection(
      "process.stderr.write('nc: No route\\u001b[2J to host\\n'); process.exitCode = 1",
    );
    const expected = { code: 'ERR_AGENT', message: '10.77.0.101:7070: nc: No route·[2J to host' };
    await expect(lines.ask('x', 20_000)).rejects.toMatchObject(expected);
    await expect(lines.ask('y', 20_000)).rejects.toMatchObject(expected);
  });

  it('ends after a question without an answer, so that a late one is not taken for the next', async () => {
    const lines = connection('process.stdin.resume()');
    const both = [lines.ask('x', 100), lines.ask('y', 20_000)];
    await expect(both[0]).rejects.toThrow('no answer to `x` within 0.1 s');
    await expect(both[1]).rejects.toThrow('no answer to `x`');
  });

  it('fails when the helper cannot be started', async () => {
    const lines = new LineConnection(target, ['/nonexistent/helper']);
    await expect(lines.ask('x', 5000)).rejects.toThrow('ENOENT');
  });

  it('fails when it is closed', async () => {
    const lines = connection('process.stdin.resume()');
    const answer = lines.ask('x', 20_000);
    lines.close();
    await expect(answer).rejects.toThrow('the connection was closed');
  });

  it('does not collect a line without end', async () => {
    const lines = connection("setInterval(() => process.stdout.write('x'.repeat(1e5)), 1)");
    await expect(lines.ask('x', 20_000)).rejects.toThrow('an answer without end');
  });
});

it.each(['"', '{"uptimeS":1', '[]', 'error no', 'ok'])(
  'a client takes %j for no report',
  async (answer) => {
    const script = `process.stdin.once('data', () => console.log(${JSON.stringify(answer)}))`;
    const options = { clock: systemClock };
    const client = new AgentClient(target, options, [process.execPath, '-e', script]);
    onTestFinished(() => client.close());
    await expect(client.report()).rejects.toThrow();
  },
);
