/**
 * Whether Backstage has no such route: its own answer is a 404 without a body. Whatever stands before
 * it, such as a load balancer during a rollout, has a page of its own for that.
 */
export async function isMissing(response: Response): Promise<boolean> {
  return response.status === 404 && (await response.clone().text()) === '';
}
