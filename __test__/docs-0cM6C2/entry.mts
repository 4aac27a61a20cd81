
import { createBackend } from '@backstage/backend-defaults';
import * as example from './example.mts';
const backend = createBackend();
backend.add(import('@nativestage/metrics'));
Object.values(example).forEach(plugin => backend.add(plugin));
backend.start();
