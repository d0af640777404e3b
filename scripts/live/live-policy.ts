/** The policy for real hosts, by name, with options, or from a checkpoint. */
import { createPolicy, inputError, type Policy } from '../../sim/index.ts';
import { policyOf } from '../evaluate/contestant.ts';

type Decides = Parameters<typeof policyOf>[1];

/**
 * Makes a policy as the command line, a cluster file or a request names it.
 *
 * @param spec A name, `oracle`, an object with `name` and options, or such an object as JSON text.
 * @param checkpoint Of a learned policy; replaces `spec`.
 * @param path Where it stands, for messages.
 * @throws InputError for unknown names and options.
 */
export function livePolicy(
  spec: unknown,
  checkpoint: string | undefined,
  decides: Decides,
  path: string,
): Policy {
  if (checkpoint !== undefined) {
    return policyOf({ type: 'learned', name: 'learned', checkpoint }, decides);
  }
  const given = typeof spec === 'string' && spec.startsWith('{') ? readJson(spec, path) : spec;
  if (given === 'oracle') return policyOf({ type: 'oracle', name: 'oracle' }, decides);
  return createPolicy(given, path);
}

function readJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw inputError(
      path,
      'a policy name, or JSON such as {"name":"best-fit"}',
      (error as Error).message,
    );
  }
}
