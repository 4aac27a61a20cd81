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
     * Whether the endpoint of `proxyPath` is a middleware that chooses among servers by the header
     * `x-prometheus-service-name`: it is sent for entities that name an instance which is not in
     * `instances`. Defaults to `false`.
     * @visibility frontend
     */
    dynamicProxy?: boolean;

    /**
     * The only method to send queries by through `proxyPath`. Without it POST, and GET where that is
     * refused.
     * @visibility frontend
     */
    httpMethod?: 'GET' | 'POST';

    /**
     * How often that Prometheus scrapes, for `$__rate_interval` and the shortest `$__interval`, and
     * others of the proxy that do not say. Defaults to 15 seconds.
     * @deepVisibility frontend
     */
    scrapeInterval?:
      string | { minutes?: number; seconds?: number; milliseconds?: number };

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

      /**
       * The only method to send queries by. Without it POST, and GET where that is refused.
       * @visibility frontend
       */
      httpMethod?: 'GET' | 'POST';

      /**
       * How often it scrapes, where the browser asks it through the proxy.
       * @deepVisibility frontend
       */
      scrapeInterval?:
        string | { minutes?: number; seconds?: number; milliseconds?: number };
    }>;
  };
}
