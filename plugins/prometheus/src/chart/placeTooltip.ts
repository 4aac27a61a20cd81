interface Point {
  x: number;
  y: number;
}

interface Size {
  width: number;
  height: number;
}

/** Pixels between the crosshair and the tooltip, and between the tooltip and the viewport's edge. */
const GAP = 12;
const MARGIN = 4;

/**
 * Beside the crosshair: on its right, or on its left where the viewport ends. All in pixels of the
 * viewport.
 */
export function placeTooltip(
  anchor: Point,
  tooltip: Size,
  viewport: Size,
): Point {
  const right = anchor.x + GAP;
  const fits = right + tooltip.width + MARGIN <= viewport.width;
  return {
    x: within(
      fits ? right : anchor.x - GAP - tooltip.width,
      viewport.width - tooltip.width,
    ),
    y: within(anchor.y + GAP, viewport.height - tooltip.height),
  };
}

/** What is larger than the viewport begins at its edge, as text is read from there. */
function within(position: number, room: number): number {
  return Math.max(MARGIN, Math.min(position, room - MARGIN));
}
