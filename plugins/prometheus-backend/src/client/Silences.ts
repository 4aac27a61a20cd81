import type { AlertSilence } from '@nativestage/backstage-plugin-prometheus-common';
import { z } from 'zod';
import { sizeOf, sizeOfString } from './sizeOf';
import type { Reading } from './Upstream';

const sentAlert = z
  .object({
    labels: z.record(z.string(), z.string()),
    status: z.object({
      silencedBy: z
        .array(z.string())
        .nullish()
        .transform(ids => ids ?? []),
    }),
  })
  .transform(({ labels, status }) => ({
    labels,
    silencedBy: status.silencedBy,
  }));

const silence = z.object({
  id: z.string(),
  createdBy: z.string().catch(''),
  comment: z.string().catch(''),
  endsAt: z.string().catch(''),
});

type SentAlert = z.infer<typeof sentAlert>;

/** What an entry of the index takes, besides its key. */
const ENTRY_BYTES = 120;

/** Which alerts an Alertmanager has silenced. */
export class Silences {
  /** The alerts with a label, by that and its value. */
  private readonly byLabel = new Map<string, SentAlert[]>();
  /** Of the silences that alerts have. */
  private readonly wanted = new Set<string>();
  private readonly details = new Map<string, AlertSilence>();
  private used = 0;

  /** Reads Alertmanager's `/api/v2/alerts`, alert by alert. */
  static reading(): Reading<Silences> {
    const silences = new Silences();
    return {
      shape: { each: alert => silences.add(sentAlert.parse(alert)) },
      read: json => {
        // Of anything but a list no element was taken.
        z.array(z.unknown()).parse(json);
        return silences;
      },
    };
  }

  /**
   * @param json - of Alertmanager's `/api/v2/alerts`
   * @throws ZodError for an answer of another shape
   */
  static fromAnswer(json: unknown): Silences {
    const silences = new Silences();
    z.array(sentAlert)
      .parse(json)
      .forEach(alert => silences.add(alert));
    return silences;
  }

  private constructor() {}

  /** About how much memory they take. */
  get bytes(): number {
    return this.used;
  }

  private add(alert: SentAlert): void {
    this.used += sizeOf(alert);
    alert.silencedBy.forEach(id => this.wanted.add(id));
    for (const entry of Object.entries(alert.labels)) {
      const key = toKey(entry);
      const known = this.byLabel.get(key);
      if (known) {
        known.push(alert);
        this.used += 2 * 8;
      } else {
        this.byLabel.set(key, [alert]);
        this.used += ENTRY_BYTES + sizeOfString(key);
      }
    }
  }

  /**
   * Whether an alert of a rule is silenced. Alertmanager has it with the same labels, or with
   * external ones besides. Where only such are there, every one of them has to be silenced: another
   * server's may be among them. What Alertmanager does not have is not silenced.
   */
  has(labels: Record<string, string>): boolean {
    const sent = this.withRarest(labels).filter(alert =>
      includes(alert.labels, labels),
    );
    const size = Object.keys(labels).length;
    const same = sent.find(alert => Object.keys(alert.labels).length === size);
    return same
      ? isSilenced(same)
      : sent.length > 0 && sent.every(each => isSilenced(each));
  }

  /** Who silenced an alert that is, each once; what the Alertmanager did not say is missing. */
  of(labels: Record<string, string>): AlertSilence[] {
    const ids = this.withRarest(labels)
      .filter(alert => includes(alert.labels, labels))
      .flatMap(({ silencedBy }) => silencedBy);
    return [...new Set(ids)].flatMap(id => this.details.get(id) ?? []);
  }

  /** Whether there are any to ask about. */
  get isEmpty(): boolean {
    return this.wanted.size === 0;
  }

  /** Reads Alertmanager's `/api/v2/silences`, of which those that silence an alert are kept. */
  readingDetails(): Reading<Silences> {
    return {
      shape: { each: json => this.addDetails(silence.parse(json)) },
      read: json => {
        z.array(z.unknown()).parse(json);
        return this;
      },
    };
  }

  private addDetails({ id, ...details }: z.infer<typeof silence>): void {
    if (this.wanted.has(id)) {
      this.used += sizeOf(details);
      this.details.set(id, details);
    }
  }

  /** Of thousands of alerts with one name few have the same instance too. */
  private withRarest(labels: Record<string, string>): SentAlert[] {
    const lists = Object.entries(labels).map(
      entry => this.byLabel.get(toKey(entry)) ?? [],
    );
    return lists.reduce<SentAlert[]>(
      (rarest, list, at) =>
        at === 0 || list.length < rarest.length ? list : rarest,
      [],
    );
  }
}

function isSilenced({ silencedBy }: SentAlert): boolean {
  return silencedBy.length > 0;
}

/** Names of labels have no NUL. */
function toKey([label, value]: [string, string]): string {
  return `${label}\0${value}`;
}

function includes(
  labels: Record<string, string>,
  wanted: Record<string, string>,
): boolean {
  return Object.entries(wanted).every(
    ([label, value]) => Object.hasOwn(labels, label) && labels[label] === value,
  );
}
