import { makeStyles } from '@material-ui/core/styles';

const useStyles = makeStyles(
  {
    title: {
      overflow: 'hidden',
      overflowWrap: 'anywhere',
      display: '-webkit-box',
      WebkitBoxOrient: 'vertical',
      WebkitLineClamp: 2,
    },
  },
  { name: 'PrometheusPanelTitle' },
);

/** A panel's title, of which two lines are shown. */
export function PanelTitle({ title }: { title: string }) {
  const classes = useStyles();
  return (
    <span className={classes.title} title={title}>
      {title}
    </span>
  );
}
