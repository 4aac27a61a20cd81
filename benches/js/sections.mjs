// Everything that `npm run bench` measures, in the order of docs/benchmarks.md. Modules are loaded when
// they run, so that the titles can be had without the rivals. `why` is shown where a target is missed.
import { fetchTools, node } from '../../scripts/tools.mjs';

const from = (module, bench) => async () => (await import(module))[bench]();

export const sections = [
  {
    title: 'One record',
    bench: from('./record.mjs', 'benchRecord'),
    why: "one process finds up to a third more or less than another, by where its heap lies and how much the engine's thread slows the other core; without attributes that decides. The JS SDK's records take half the time here that they take on Node 20, and ours the same. With one attribute at a megamorphic call site making the object is a large part of the little that is left. With ten every attribute is a node in a cache line of its own, and from the third on most nodes have one child. One piece of memory for such a rest of a path made ten attributes a tenth cheaper and five up to a sixth dearer, so it is not done.",
  },
  {
    title: 'One record on Node 26',
    async bench() {
      await fetchTools(['node-26']);
      const { benchRecord } = await import('./record.mjs');
      const node26 = node(26);
      return { node: node26, ...(await benchRecord(node26, 1)) };
    },
    why: 'as on Node 24.',
  },
  {
    title: 'Records without a pause',
    bench: from('./sustained.mjs', 'benchSustained'),
    why: "the event loop waits for the engine's thread where the queue is full; until then a record takes a third of that.",
  },
  {
    title: 'A record within a trace',
    bench: from('./exemplars.mjs', 'benchExemplars'),
    why: 'every 64th record, and every one that is larger than any before it in the interval, asks the API for the active span.',
  },
  {
    title: 'Two readers',
    bench: from('./readers.mjs', 'benchReaders'),
    why: "a record does the same with one reader and with two. The engine's thread has more to do for two, on the other of two cores with a cache in common, and what processes differ by is as much.",
  },
  { title: 'A bound instrument', bench: from('./bound.mjs', 'benchBound') },
  {
    title: 'The first record of a series',
    bench: from('./setup.mjs', 'benchSetup'),
  },
  {
    title: 'The event loop during an export',
    bench: from('./blocked.mjs', 'benchBlocked'),
  },
  {
    title: 'A server that exports every second',
    bench: from('./latency.mjs', 'benchLatency'),
    why: 'the server, its client, the collector and the engine share two cores, and an export of 100 000 series keeps one of them busy for a few tenths of every second.',
  },
  {
    title: 'The CPU of an export',
    bench: from('./exportCpu.mjs', 'benchExportCpu'),
    why: 'on Node 20 the JS SDK takes half as long again, ours the same: 0.053 and 0.054 there.',
  },
  {
    title: 'A Prometheus page of 40 000 points',
    bench: from('./prometheusPage.mjs', 'benchPrometheusPage'),
    why: 'until the first byte a third of the time goes by, which is the hand-over and a tenth of it the event loop. Then the encoder, the writer to the network and the client share two cores: of processor time they take 8 to 10 ms, 8 to 10 and 5 to 10. Pieces of 256 KiB instead of 64 made no difference.',
  },
  {
    title: 'Memory of a series',
    bench: from('./memory.mjs', 'benchMemory'),
    why: 'processes differ by a tenth. Of a counter 53 bytes are nodes of the trie, and of the rest a set of three attributes takes 32, its places in the engine 40 and its row 25, with a quarter of room for more. Where the other 50 are is not known.',
  },
  {
    title: 'A cardinality attack',
    bench: from('./attack.mjs', 'benchAttack'),
    why: 'the value is looked up in one table that does not have it, which takes as long as in one that has, and then the overflow series is asked for.',
  },
  {
    title: 'Series that come and go',
    bench: from('./churn.mjs', 'benchChurn'),
  },
  { title: 'Loading', bench: from('./load.mjs', 'benchLoad') },
  { title: 'Size', bench: from('./size.mjs', 'benchSize') },
];
