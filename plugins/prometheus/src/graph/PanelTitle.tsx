import { makeStyles } from '@material-ui/core/styles';

export const usePanelStyles = makeStyles(
  {
    // Else the longest name would push the menu out of the card's padding.
    card: {
      '& .bui-CardHeader .bui-Flex .bui-Flex': { flexShrink: 0 },
      // As high as the page, it would push graphs below it out of sight.
      '&&': { height: 'auto' },
    },
    title: {
      overflow: 'hidden',
      overflowWrap: 'anywhere',
      display: '-webkit-box',
      WebkitBoxOrient: 'vertical',
      WebkitLineClamp: 2,
    },
  },
  { name: 'PrometheusPanel' },
);

/** A panel's title, of which two lines are shown. */
export function PanelTitle({ title }: { title: string }) {
  const classes = usePanelStyles();
  return (
    <span className={classes.title} title={title}>
      {title}
    </span>
  );
}
