import { useState } from 'react';

let count = 0;

/** An id for the document. React has `useId` from version 18 on only. */
export function useUniqueId(): string {
  const [id] = useState(() => `prometheus-chart-${++count}`);
  return id;
}
