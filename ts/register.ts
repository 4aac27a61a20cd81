/**
 * Importing this file makes the process's meter provider and registers it with
 * `@opentelemetry/api`, so that every instrument made from here on is real. Import it first, or
 * load it with `--require` or `--import`. Importing it in a worker thread attaches the thread.
 *
 * @packageDocumentation
 */
import { globalProvider } from './provider/globalProvider';

globalProvider();
