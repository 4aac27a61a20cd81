import { sharedStyles } from '../sharedStyles';

/** Characters of the end that stay in sight: what tells pods and versions apart is there. */
const TAIL = 10;

/** Characters of a name that is short enough to be cut at its end like any text. */
const SHORT = 24;

const useStyles = sharedStyles(
  () => ({
    root: {
      display: 'inline-block',
      maxWidth: '100%',
      overflow: 'hidden',
      textOverflow: 'ellipsis',
      whiteSpace: 'pre',
      verticalAlign: 'bottom',
    },
    head: {
      display: 'inline-block',
      maxWidth: `calc(100% - ${TAIL}ch)`,
      overflow: 'hidden',
      textOverflow: 'ellipsis',
      whiteSpace: 'pre',
      verticalAlign: 'bottom',
    },
    // As wide as what the head leaves free for it: without that, a narrow end cuts a head that has room.
    tail: { display: 'inline-block', minWidth: `${TAIL}ch` },
  }),
  { name: 'PrometheusMiddleCut' },
);

export interface MiddleCutProps {
  text: string;
  /** Handed down where there are hundreds: asking for them is half of what a row costs. */
  classes?: ReturnType<typeof useStyles>;
}

/** A name that is cut in its middle where there is no room for it. All of it can be copied. */
export function MiddleCut({ text, classes }: MiddleCutProps) {
  return classes ? (
    <Cut text={text} classes={classes} />
  ) : (
    <StyledCut text={text} />
  );
}

export const useMiddleCutStyles = useStyles;

function StyledCut({ text }: { text: string }) {
  return <Cut text={text} classes={useStyles()} />;
}

function Cut({ text, classes }: Required<MiddleCutProps>) {
  if (text.length <= SHORT) {
    return <span className={classes.root}>{text}</span>;
  }
  return (
    <span className={classes.root}>
      <span className={classes.head}>{text.slice(0, -TAIL)}</span>
      <span className={classes.tail}>{text.slice(-TAIL)}</span>
    </span>
  );
}
