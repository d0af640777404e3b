/** The dashboard as routes of the service. */
import type {} from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { dashboardAssets, dashboardHeaders } from './assets.ts';

/** Where the page lies. Its questions go to `../v1/`. */
export const dashboardPath = '/dashboard/';

/**
 * Adds the page and its files. They hold no data and ask for no token; the page does.
 *
 * @throws Error where the page has not been compiled.
 */
export function addDashboard(service: FastifyInstance): void {
  const schema = { hide: true };
  for (const [address, { type, body, tag }] of dashboardAssets()) {
    service.get(dashboardPath + address, { schema }, (request, reply) => {
      reply.headers({ ...dashboardHeaders, etag: tag });
      if (request.headers['if-none-match'] === tag) return reply.code(304).send();
      return reply.type(type).send(body);
    });
  }
  // Without its last slash the page would look for its files beside itself.
  service.get(dashboardPath.slice(0, -1), { schema }, (_, reply) =>
    reply.redirect('dashboard/', 308),
  );
}
