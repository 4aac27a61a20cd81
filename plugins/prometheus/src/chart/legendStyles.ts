import { sharedStyles } from '../sharedStyles';
import { visuallyHidden } from './visuallyHidden';

/** Pixels of a row; also what the browser reckons with for rows that are not in sight. */
export const ROW_HEIGHT = 24;

export const useLegendStyles = sharedStyles(
  theme => ({
    root: {
      fontFamily: theme.typography.fontFamily,
      fontSize: 12,
      color: theme.palette.text.primary,
    },
    table: {
      overflow: 'auto',
      overscrollBehavior: 'contain',
    },
    row: {
      display: 'grid',
      alignItems: 'center',
      height: ROW_HEIGHT,
      columnGap: theme.spacing(1.5),
      paddingRight: theme.spacing(1),
      // Five hundred rows cost as much as those in sight.
      contentVisibility: 'auto',
      containIntrinsicSize: `auto ${ROW_HEIGHT}px`,
      '&:hover': { background: theme.palette.action.hover },
      '&:hover $only': { display: 'inline' },
    },
    header: {
      position: 'sticky',
      top: 0,
      zIndex: 1,
      color: theme.palette.text.secondary,
      background: theme.palette.background.paper,
      '&:hover': { background: theme.palette.background.paper },
    },
    total: {
      position: 'sticky',
      bottom: 0,
      fontWeight: 700,
      background: theme.palette.background.paper,
      '&:hover': { background: theme.palette.background.paper },
    },
    totalName: { paddingLeft: theme.spacing(0.5) },
    first: {
      display: 'flex',
      alignItems: 'center',
      gap: theme.spacing(1),
      minWidth: 0,
    },
    sort: {
      display: 'inline-flex',
      alignItems: 'center',
      flex: 'none',
      height: ROW_HEIGHT,
      padding: theme.spacing(0, 0.5),
      border: 0,
      borderRadius: theme.shape.borderRadius,
      background: 'none',
      color: 'inherit',
      font: 'inherit',
      cursor: 'pointer',
      '&:hover': { color: theme.palette.text.primary },
      '&:focus': { outline: 'none' },
      '&:focus-visible': {
        outline: `2px solid ${theme.palette.primary.main}`,
        outlineOffset: -2,
      },
    },
    // The title of a figure ends where the figures do.
    sortValue: { marginRight: theme.spacing(-0.5) },
    filter: {
      flex: '1 1 60px',
      minWidth: 40,
      maxWidth: 200,
      height: 20,
      padding: theme.spacing(0, 0.5),
      border: `1px solid ${theme.palette.text.secondary}`,
      borderRadius: theme.shape.borderRadius,
      background: 'none',
      color: theme.palette.text.primary,
      font: 'inherit',
      '&::placeholder': { color: theme.palette.text.secondary, opacity: 1 },
      '&:focus': {
        outline: `2px solid ${theme.palette.primary.main}`,
        outlineOffset: -1,
      },
    },
    note: {
      display: 'flex',
      alignItems: 'center',
      height: ROW_HEIGHT,
      paddingLeft: theme.spacing(0.5),
      color: theme.palette.text.secondary,
    },
    name: {
      display: 'flex',
      alignItems: 'center',
      minWidth: 0,
      height: '100%',
    },
    button: {
      display: 'flex',
      alignItems: 'center',
      flex: '0 1 auto',
      gap: theme.spacing(1),
      minWidth: 0,
      height: '100%',
      padding: theme.spacing(0, 0.5),
      border: 0,
      borderRadius: theme.shape.borderRadius,
      background: 'none',
      color: 'inherit',
      font: 'inherit',
      textAlign: 'left',
      cursor: 'pointer',
      '& svg': { flex: 'none' },
      '&:focus': { outline: 'none' },
      '&:focus-visible': {
        outline: `2px solid ${theme.palette.primary.main}`,
        outlineOffset: -2,
      },
      '&[aria-pressed="false"]': {
        textDecoration: 'line-through',
        '& svg': { opacity: 0.3 },
      },
    },
    text: { minWidth: 0 },
    only: {
      flex: 'none',
      // It takes room from the name only where somebody may want it.
      display: 'none',
      padding: theme.spacing(0, 1),
      border: 0,
      background: 'none',
      color: 'inherit',
      font: 'inherit',
      textDecoration: 'underline',
      cursor: 'pointer',
    },
    value: {
      fontVariantNumeric: 'tabular-nums',
      textAlign: 'right',
      whiteSpace: 'nowrap',
    },
    hidden: visuallyHidden,
    showAll: { padding: 0, minWidth: 0, fontSize: 12, textTransform: 'none' },
  }),
  { name: 'PrometheusLegend' },
);

export type LegendClasses = ReturnType<typeof useLegendStyles>;
export type LegendGrid = ReturnType<typeof gridOf>;

/** Pixels: what the title of a column takes that sorts. */
const TITLE = 50;

/**
 * The columns of a row: all rows have the same, as wide as the longest text in each, and the names
 * have the rest.
 */
export function gridOf(columns: string[][]) {
  const widths = columns.map(texts => {
    const longest = Math.max(0, ...texts.map(({ length }) => length));
    // Letters of units are wider than figures, and periods are narrower.
    return `max(${TITLE}px, ${longest + 0.5}ch)`;
  });
  return { gridTemplateColumns: ['minmax(0, 1fr)', ...widths].join(' ') };
}
