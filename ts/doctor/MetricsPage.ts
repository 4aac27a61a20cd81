/** What answers at the address of a metrics page. */
export type MetricsPage =
  | { state: 'ours'; text: string }
  /** It asks for a token that the doctor does not have. */
  | { state: 'locked' }
  | { state: 'foreign'; answer: string }
  | { state: 'absent'; reason: string };

/** Longer than the page itself waits for an event loop (`collectTimeout`). */
const PATIENCE_MS = 5000;

/** What a header may hold; `fetch` repeats others in its error. */
const SENDABLE = /^[\x20-\x7e]+$/;

const OWN_LABEL = 'telemetry_sdk_name="nativestage"';

/** What `fetch` says of ports that it does not ask. */
const BAD_PORT = 'bad port';

/** Nobody listens there, the address is nobody's, or `fetch` does not ask there. */
const ABSENT = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ERR_INVALID_URL',
  BAD_PORT,
];

/** Reads a page; the token goes only to a server that asks for one. */
export async function readMetricsPage(
  url: string,
  token: string | undefined,
): Promise<MetricsPage> {
  try {
    let response = await ask(url);
    if (
      response.status === 401 &&
      token !== undefined &&
      SENDABLE.test(token)
    ) {
      await response.body?.cancel();
      response = await ask(url, token);
    }
    const text = await response.text();
    if (response.ok && text.includes(OWN_LABEL)) {
      return { state: 'ours', text };
    }
    if (isOurRefusal(response)) {
      return { state: 'locked' };
    }
    return { state: 'foreign', answer: `HTTP ${response.status}` };
  } catch (error) {
    return toPage(error);
  }
}

function ask(url: string, token?: string): Promise<Response> {
  return fetch(url, {
    headers: {
      accept: 'text/plain;version=0.0.4;escaping=underscores',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    redirect: 'manual',
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
}

function isOurRefusal({ status, headers }: Response): boolean {
  return status === 401 && headers.get('www-authenticate') === 'Bearer';
}

function toPage(error: unknown): MetricsPage {
  if ((error as Error).name === 'TimeoutError') {
    return { state: 'foreign', answer: `nothing within ${PATIENCE_MS} ms` };
  }
  const { code, name, message } = causeOf(error);
  // Other messages repeat what was asked for, and with what.
  const reason = code ?? (message === BAD_PORT ? message : name);
  return ABSENT.includes(reason)
    ? { state: 'absent', reason }
    : { state: 'foreign', answer: `no HTTP (${reason})` };
}

/** A host with several addresses fails with one error for each. */
function causeOf(error: unknown): NodeJS.ErrnoException {
  const { cause } = error as { cause?: NodeJS.ErrnoException };
  const several = (cause as AggregateError | undefined)?.errors?.[0] as
    NodeJS.ErrnoException | undefined;
  return several ?? cause ?? (error as NodeJS.ErrnoException);
}
