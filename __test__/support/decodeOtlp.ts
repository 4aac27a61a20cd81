import type { OtlpRequest } from './OtlpReceiver';
import { python } from './tools';

/** Reads an OTLP request with Google's protobuf, strictly. */
export async function decodeOtlp(
  format: 'protobuf' | 'json',
  body: Buffer,
): Promise<OtlpRequest> {
  return (await python('decode_otlp.py', body, format)) as OtlpRequest;
}
