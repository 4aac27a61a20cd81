import type { HumanDuration } from '@backstage/types';

export interface Config {
  prometheus?: {
    /**
     * The Prometheus servers that the backend asks. An item that has a `proxyPath` and no `url` is
     * left to the frontend, which reaches it through Backstage's proxy.
     */
    instances?: Array<{
      /**
       * How the annotation `prometheus.io/service-name` names it; entities without one are served by
       * `default`, or by the first.
       */
      name: string;

      /** Where its API is, with or without `/api/v1` at the end: http or https. Redirects are not followed. */
      url?: string;

      /** Where rules and alerts are, if elsewhere: vmalert, or a ruler of its own. */
      rulesUrl?: string;

      /** Of its own web page, for links. */
      uiUrl?: string;

      /** Where traces are shown that belong to its exemplars, as `traceUrl` for all instances. */
      traceUrl?: string;

      /**
       * The only method to send queries by. Without it POST, and GET where the server, or what stands
       * before it, refuses that.
       */
      httpMethod?: 'GET' | 'POST';

      /**
       * What stands in the address of every request to the server and to `rulesUrl`, POST or GET, such
       * as `namespace: team-a` for a proxy that chooses the tenant by it.
       * @deepVisibility secret
       */
      queryParameters?: {
        [name: string]:
          string | number | boolean | Array<string | number | boolean>;
      };

      /**
       * How often it scrapes, for `$__rate_interval` and the shortest `$__interval`. Defaults to 15
       * seconds.
       */
      scrapeInterval?: HumanDuration | string;

      /**
       * How the backend shows who it is.
       * @deepVisibility secret
       */
      auth?:
        | {
            type: 'basic';
            username: string;
            password?: string;
            /** Read at every request. */
            passwordFile?: string;
          }
        | {
            type: 'bearer';
            token?: string;
            /** Read at every request: tokens that are mounted change. */
            tokenFile?: string;
          }
        | {
            type: 'header';
            name: string;
            value?: string;
            /** Read at every request. */
            valueFile?: string;
          }
        | {
            /** Client credentials, RFC 6749, section 4.4. */
            type: 'oauth2';
            tokenUrl: string;
            clientId: string;
            clientSecret?: string;
            /** Read whenever a token is asked for. */
            clientSecretFile?: string;
            scopes?: string[];
            /** Further fields of the form, such as `audience`. */
            endpointParameters?: { [name: string]: string };
            /** Where the client's id and secret are sent. Defaults to `header`. */
            clientAuthentication?: 'header' | 'body';
            /** Of the token server; as that of an instance. */
            tls?: {
              caFile?: string;
              certFile?: string;
              keyFile?: string;
              serverName?: string;
              rejectUnauthorized?: boolean;
            };
          }
        | {
            /**
             * AWS' Signature Version 4. It needs the packages `@smithy/signature-v4` and
             * `@aws-sdk/credential-providers` in the backend.
             */
            type: 'sigv4';
            region: string;
            /** Defaults to `aps`: Amazon Managed Service for Prometheus. */
            service?: string;
            /** Of the shared AWS configuration files. */
            profile?: string;
            /** A role to take on. */
            roleArn?: string;
            externalId?: string;
            /** In place of what AWS' chain of providers finds. */
            accessKeyId?: string;
            secretAccessKey?: string;
          };

      /**
       * The tenant of Mimir, Cortex or Loki's kin: the header `X-Scope-OrgID`.
       * @visibility secret
       */
      tenant?: string;

      /** Files in PEM, read for every new connection. */
      tls?: {
        /** Who vouches for the server, in place of the system's authorities. */
        caFile?: string;
        /** The backend's own certificate. */
        certFile?: string;
        /** Its key. */
        keyFile?: string;
        /** The name in the server's certificate, if not its host's. */
        serverName?: string;
        /** `false` trusts whoever answers. Defaults to `true`. */
        rejectUnauthorized?: boolean;
      };

      /**
       * The Alertmanager that the instance sends its alerts to; with it the page says which of them
       * are silenced.
       */
      alertmanager?: {
        /** Where its API is, with or without `/api/v2` at the end: http or https. */
        url: string;

        /**
         * How the backend shows who it is; nothing is taken over from the instance.
         * @deepVisibility secret
         */
        auth?:
          | {
              type: 'basic';
              username: string;
              password?: string;
              /** Read at every request. */
              passwordFile?: string;
            }
          | {
              type: 'bearer';
              token?: string;
              /** Read at every request: tokens that are mounted change. */
              tokenFile?: string;
            }
          | {
              type: 'header';
              name: string;
              value?: string;
              /** Read at every request. */
              valueFile?: string;
            }
          | {
              /** Client credentials, RFC 6749, section 4.4. */
              type: 'oauth2';
              tokenUrl: string;
              clientId: string;
              clientSecret?: string;
              /** Read whenever a token is asked for. */
              clientSecretFile?: string;
              scopes?: string[];
              /** Further fields of the form, such as `audience`. */
              endpointParameters?: { [name: string]: string };
              /** Where the client's id and secret are sent. Defaults to `header`. */
              clientAuthentication?: 'header' | 'body';
              /** Of the token server; as that of an instance. */
              tls?: {
                caFile?: string;
                certFile?: string;
                keyFile?: string;
                serverName?: string;
                rejectUnauthorized?: boolean;
              };
            }
          | {
              /**
               * AWS' Signature Version 4. It needs the packages `@smithy/signature-v4` and
               * `@aws-sdk/credential-providers` in the backend.
               */
              type: 'sigv4';
              region: string;
              /** Defaults to `aps`: Amazon Managed Service for Prometheus. */
              service?: string;
              /** Of the shared AWS configuration files. */
              profile?: string;
              /** A role to take on. */
              roleArn?: string;
              externalId?: string;
              /** In place of what AWS' chain of providers finds. */
              accessKeyId?: string;
              secretAccessKey?: string;
            };

        /**
         * What stands in the address of every request.
         * @deepVisibility secret
         */
        queryParameters?: {
          [name: string]:
            string | number | boolean | Array<string | number | boolean>;
        };

        /**
         * Of Mimir's or Cortex' Alertmanager: the header `X-Scope-OrgID`.
         * @visibility secret
         */
        tenant?: string;

        /** Files in PEM, read for every new connection. */
        tls?: {
          /** Who vouches for the server, in place of the system's authorities. */
          caFile?: string;
          /** The backend's own certificate. */
          certFile?: string;
          /** Its key. */
          keyFile?: string;
          /** The name in the server's certificate, if not its host's. */
          serverName?: string;
          /** `false` trusts whoever answers. Defaults to `true`. */
          rejectUnauthorized?: boolean;
        };
      };

      /** Thanos' parameters, sent with every query. */
      parameters?: {
        dedup?: boolean;
        partialResponse?: boolean;
        /** Such as `5m` or `auto`. */
        maxSourceResolution?: string;
      };

      /**
       * Labels that every selector of every query gets, with variables of the entity:
       * `namespace: '${{ entity.metadata.namespace }}'`.
       */
      enforceLabels?: { [label: string]: string };
    }>;

    /**
     * Where a trace is shown that stands for a sample, with the labels of its exemplar in it:
     * `https://traces.example.com/trace/{{trace_id}}`.
     */
    traceUrl?: string;

    /** Queries that operators wrote, by the name that entities put into `prometheus.io/rule`. */
    queries?: {
      [name: string]: {
        /** Defaults to the name. */
        title?: string;
        /** PromQL; may have `${{ entity.… }}` in the values of labels. */
        query: string;
        /** The label that names the series. */
        dimension?: string;
        /** What a series is called, with its labels: `{{path}} in {{region}}`. */
        legend?: string;
        graphType?: 'line' | 'area' | 'stacked' | 'step' | 'timeline' | 'stat';
        /** Such as `seconds`, `bytes`, `ratio`, `seconds/s` or `timestamp`. */
        unit?: string;
        /** Defaults to `linear`. */
        scale?: 'linear' | 'log';
        /** Of the page. Defaults to `half`. */
        width?: 'half' | 'full';
        /** Values worth knowing, drawn as lines across the graph. */
        thresholds?: Array<{
          /** In the unit of the query's samples. */
          value: number;
          label?: string;
          severity?: 'warning' | 'critical';
        }>;
        /** What values of a timeline stand for. */
        states?: Array<{
          value: number;
          label?: string;
          severity?: 'ok' | 'warning' | 'critical';
        }>;
        /** Whether the traces that stand for samples are drawn as dots. */
        exemplars?: boolean;
      };
    };

    /**
     * Whether there are queries of a user's own, for those with the permission
     * `prometheus.query.custom`: everyone, where no policy or one that allows everything decides.
     * Defaults to false.
     */
    customQueries?: boolean;

    /** What requests may cost. */
    limits?: {
      /** Between start and end. Defaults to 31 days. */
      maxRange?: HumanDuration | string;
      /** Of a series: 3 to 11000, which is the default and Prometheus' own limit. */
      maxPoints?: number;
      /** Of an answer; more are not read, and the page says so. Defaults to 500. */
      maxSeries?: number;
      /** Of an answer, after decompression. Defaults to 33554432. */
      maxBytes?: number;
      /** For a request, with all that it waits for. Defaults to 15 seconds. */
      timeout?: HumanDuration | string;
      /** Queries of one user that run at once. Defaults to 8. */
      perUser?: number;
      /** Queries to one instance that run at once. Defaults to 16. */
      perInstance?: number;
      /** Queries that wait, for each user and each instance. Defaults to 100. */
      queue?: number;
      /** Answers that are kept until their step ends. Defaults to 1000. */
      cacheEntries?: number;
      /** How much memory they may take, texts by their length. Defaults to 67108864. */
      cacheBytes?: number;
    };
  };
}
