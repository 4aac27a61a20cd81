export { examplePlugin as default } from './plugin';
