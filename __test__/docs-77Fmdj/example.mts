// packages/backend/src/index.ts
import { createBackend } from '@backstage/backend-defaults';

const backend = createBackend();
backend.add(import('@nativestage/metrics'));
// … your plugins
backend.start();
