import CardHeader from '@material-ui/core/CardHeader';
import { makeStyles } from '@material-ui/core/styles';
import type { ReactNode } from 'react';

const useStyles = makeStyles(
  theme => ({
    root: { padding: theme.spacing(1.5, 2, 1.5, 2.5) },
    // Else the longest name would push the menu out of the card.
    content: { minWidth: 0 },
    title: {
      fontWeight: 700,
      lineHeight: 1.4,
      overflow: 'hidden',
      overflowWrap: 'anywhere',
      display: '-webkit-box',
      WebkitBoxOrient: 'vertical',
      WebkitLineClamp: 2,
    },
    action: { margin: 0, alignSelf: 'flex-start', whiteSpace: 'nowrap' },
  }),
  { name: 'PrometheusPanelHeader' },
);

/** A panel's title, of which two lines are shown, and its menu beside it. */
export function PanelHeader({
  title,
  action,
}: {
  title: string;
  action: ReactNode;
}) {
  const classes = useStyles();
  return (
    <CardHeader
      classes={classes}
      title={title}
      titleTypographyProps={{
        variant: 'subtitle1',
        component: 'h3',
        title,
      }}
      action={action}
    />
  );
}
