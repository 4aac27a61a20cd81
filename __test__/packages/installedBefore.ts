import { before, it, type TestContext } from 'node:test';
import { RegistryUnreachable } from './FreshFolder';

/**
 * Has `install` run before the tests of a suite. Returns what takes the place of `it` there: where the
 * packages cannot be had, a test says so and is skipped. In CI the suite fails then.
 */
export function installedBefore(install: () => Promise<void>) {
  let unreachable: RegistryUnreachable | undefined;
  before(async () => {
    try {
      await install();
    } catch (error) {
      if (!(error instanceof RegistryUnreachable) || process.env.CI) {
        throw error;
      }
      unreachable = error;
    }
  });
  return (
    name: string,
    test: (t: TestContext) => Promise<void> | void,
  ): void => {
    void it(name, t => {
      if (unreachable) {
        t.skip(`the npm registry cannot be reached: ${unreachable.message}`);
        return;
      }
      return test(t);
    });
  };
}
