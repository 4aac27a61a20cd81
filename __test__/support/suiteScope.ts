import { after, type TestContext } from 'node:test';

/**
 * Stands for a test where something is for all tests of a suite: what begins with it ends after the last
 * test, the newest first. To be called in the suite.
 */
export function suiteScope(): TestContext {
  const cleanUps: (() => unknown)[] = [];
  after(async () => {
    for (const cleanUp of cleanUps.reverse()) {
      await cleanUp();
    }
  });
  return {
    after: (cleanUp: () => unknown) => cleanUps.push(cleanUp),
  } as unknown as TestContext;
}
