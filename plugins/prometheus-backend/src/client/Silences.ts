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
    isSilenced: status.silencedBy.length > 0,
  }));

type SentAlert = z.infer<typeof sentAlert>;

/** What an entry of the index takes, besides its key. */
const ENTRY_BYTES = 120;

/** Which alerts an Alertmanager has silenced. */
export class Silences {
  /** The alerts with a label, by that and its value. */
  private readonly byLabel = new Map<string, SentAlert[]>();
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
      ? same.isSilenced
      : sent.length > 0 && sent.every(({ isSilenced }) => isSilenced);
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
