/** A server answered with something that is not Prometheus' API. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}
