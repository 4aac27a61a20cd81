export interface Config {
  prometheus?: {
    /**
     * The endpoint of Backstage's proxy that leads to Prometheus' API, such as `/prometheus/api`; its
     * target ends with `/api/v1/`. Entities that name no instance are asked there, and not of the
     * backend plugin: whoever may use the endpoint may send any query.
     * @visibility frontend
     */
    proxyPath?: string;

    /**
     * Of the web page of that Prometheus, for links.
     * @visibility frontend
     */
    uiUrl?: string;

    /**
     * Where a trace is shown that stands for a sample, with the labels of its exemplar in it:
     * `https://traces.example.com/trace/{{trace_id}}`.
     * @visibility frontend
     */
    traceUrl?: string;

    instances?: Array<{
      /**
       * How the annotation `prometheus.io/service-name` names it.
       * @visibility frontend
       */
      name: string;

      /**
       * The endpoint of Backstage's proxy that leads to this one. With it the backend plugin is not
       * asked.
       * @visibility frontend
       */
      proxyPath?: string;

      /**
       * Of its own web page, for links.
       * @visibility frontend
       */
      uiUrl?: string;
    }>;
  };
}
