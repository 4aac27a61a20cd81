import { z } from 'zod';
import { sizeOf } from './sizeOf';

const answer = z.array(
  z.object({
    labels: z.record(z.string(), z.string()),
    status: z.object({
      silencedBy: z
        .array(z.string())
        .nullish()
        .transform(ids => ids ?? []),
    }),
  }),
);

interface SentAlert {
  labels: Record<string, string>;
  isSilenced: boolean;
}

/** Which alerts an Alertmanager has silenced. */
export class Silences {
  /** About how much memory they take. */
  readonly bytes: number;
  private readonly byName = new Map<string, SentAlert[]>();

  /**
   * @param json - of Alertmanager's `/api/v2/alerts`
   * @throws ZodError for an answer of another shape
   */
  static fromAnswer(json: unknown): Silences {
    return new Silences(
      answer.parse(json).map(({ labels, status }) => ({
        labels,
        isSilenced: status.silencedBy.length > 0,
      })),
    );
  }

  private constructor(sent: SentAlert[]) {
    for (const alert of sent) {
      const { alertname = '' } = alert.labels;
      const known = this.byName.get(alertname);
      if (known) {
        known.push(alert);
      } else {
        this.byName.set(alertname, [alert]);
      }
    }
    this.bytes = sizeOf(sent);
  }

  /**
   * Whether an alert of a rule is silenced. Alertmanager has it with the same labels, or with
   * external ones besides. Where only such are there, every one of them has to be silenced: another
   * server's may be among them. What Alertmanager does not have is not silenced.
   */
  has(labels: Record<string, string>): boolean {
    const sent = (this.byName.get(labels.alertname ?? '') ?? []).filter(alert =>
      includes(alert.labels, labels),
    );
    const size = Object.keys(labels).length;
    const same = sent.find(alert => Object.keys(alert.labels).length === size);
    return same
      ? same.isSilenced
      : sent.length > 0 && sent.every(({ isSilenced }) => isSilenced);
  }
}

function includes(
  labels: Record<string, string>,
  wanted: Record<string, string>,
): boolean {
  return Object.entries(wanted).every(
    ([label, value]) => Object.hasOwn(labels, label) && labels[label] === value,
  );
}
