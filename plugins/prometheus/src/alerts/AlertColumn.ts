import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import type { ReactNode } from 'react';

/** A column of one's own; a `TableColumn<Alert>` of `@backstage/core-components` is one. */
export interface AlertColumn {
  title?: ReactNode;
  /** What of the alert it shows and sorts by, such as `labels.team`. */
  field?: string;
  /** Shows something else. */
  render?: (alert: Alert, type: 'row') => ReactNode;
}
