/**
 * Values between two gaps: there is no line to draw them with, so they need a point.
 *
 * @returns where they are, or `null`, as uPlot has it for none
 */
export function isolatedPoints(
  values: ArrayLike<number | null | undefined>,
): number[] | null {
  const isGap = (index: number) => (values[index] ?? null) === null;
  const found: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (!isGap(index) && isGap(index - 1) && isGap(index + 1)) {
      found.push(index);
    }
  }
  return found.length > 0 ? found : null;
}
