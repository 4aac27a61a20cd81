// Imported before anything else: who asks for a tracer gets one that traces.
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

// Every trace is sampled, unless its caller said otherwise, and sent nowhere: for the exemplars on the
// metrics page its ids are enough. `spanProcessors` with an OTLP exporter would send the spans too.
new NodeTracerProvider().register();
