import type { ServerResponse } from 'node:http';
import type { Asked } from './UpstreamServer';

/** Passes a request on to a server, as a gateway before it does, and its answer back. */
export async function forwardTo(
  base: string,
  { method, url, headers, parameters }: Asked,
  response: ServerResponse,
): Promise<void> {
  const answer = await fetch(`${base}${url}`, {
    method,
    ...(method === 'POST' && {
      headers: { 'content-type': String(headers['content-type']) },
      body: parameters,
    }),
  });
  const type = answer.headers.get('content-type');
  response.writeHead(answer.status, type ? { 'content-type': type } : {});
  response.end(Buffer.from(await answer.arrayBuffer()));
}
