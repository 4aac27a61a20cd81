/**
 * When an answer to an instant query was made by the server's own clock, in seconds since 1970: its
 * first sample's time, for none was asked for. `undefined` where there is none.
 */
export function serverTimeOf(json: unknown): number | undefined {
  const { data } = json as { data?: { result?: unknown } | null };
  const result = Array.isArray(data?.result) ? (data.result as unknown[]) : [];
  // A scalar is a sample itself; VictoriaMetrics makes a series of it.
  const [first] = result;
  const time = isSeries(first) ? first.value[0] : first;
  return typeof time === 'number' && Number.isFinite(time) ? time : undefined;
}

function isSeries(json: unknown): json is { value: unknown[] } {
  return Array.isArray((json as { value?: unknown } | undefined)?.value);
}
